"""Web forms for strangers, below `/forms/`: as a page, as JSON, and as a frame in a customer's own site.

Nothing else is reached here: who sends a form is nobody, and is told the same whoever they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from opencrm import ConfigurationError, hookimpl
from opencrm.web import WebApp

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from opencrm import CRM


@hookimpl
def opencrm_register_apps() -> Iterator[WebApp]:
    yield WebApp(name="forms", mount="/forms", build=build)


def build(crm: CRM) -> WSGIApplication:
    """Return the application that serves a workspace's forms.

    Raises:
        ConfigurationError: The extra `web` is not installed.
    """
    try:
        from opencrm.plugins.forms.application import application
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"web forms need the extra: pip install 'opencrm[web]' ({error})") from None
    return application(crm)
