"""REST: every entity of the workspace, below `/api/v1/`.

Decision: entities differ by workspace and change while it runs, and flask-smorest's decorators describe a route once,
before the first request. So the routes of records are generic, one set for all entities, which each request resolves
in the configuration in force; flask-smorest gives the Api with its error border, the blueprints and the parsing of
acts' arguments; and apispec, which it brings, makes the OpenAPI document of each configuration, entity by entity.
What a record holds is loaded and dumped by the workspace's own compiled schemas; the marshmallow schemas made of the
same declarations describe it. No web framework is imported before serving begins.
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
    yield WebApp(name="rest", mount="/api", build=build)


def build(crm: CRM) -> WSGIApplication:
    """Return the application that serves a workspace.

    Raises:
        ConfigurationError: The extra `web` is not installed.
    """
    try:
        from opencrm.plugins.rest.application import application
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"REST needs the extra: pip install 'opencrm[web]' ({error})") from None
    return application(crm)
