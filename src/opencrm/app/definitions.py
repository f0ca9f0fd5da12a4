"""Catalogue, schemas and call lists, kept as long as the same plugins and fields are in force."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import attrs

from opencrm.core.locale import Locale
from opencrm.hooks import Hooks, Plugin
from opencrm.schemas import Schemas
from opencrm.services.definitions.loading import Fields, edition
from opencrm.services.workspaces.catalogue import Catalogue


@attrs.frozen(eq=False)
class Definitions:
    """What is compiled from the declarations of plugins and of the workspace."""

    catalogue: Catalogue
    schemas: Schemas
    hooks: Hooks


class KnownDefinitions:
    """The definitions that one workspace used last: most changes of the organisation leave them as they are.

    Args:
        trace: Print each call of a hook on stderr.
    """

    def __init__(self, *, trace: bool) -> None:
        self._trace = trace
        self._last: tuple[Hashable, Definitions] | None = None

    def of(self, active: Sequence[Plugin], fields: Fields, locale: Locale) -> Definitions:
        """Return the definitions of these plugins and fields, compiled at their first use."""
        key = (tuple(map(id, active)), edition(fields), locale)
        last = self._last
        if last is None or last[0] != key:
            last = self._last = (key, self._compiled(active, fields, locale))
        return last[1]

    def _compiled(self, active: Sequence[Plugin], fields: Fields, locale: Locale) -> Definitions:
        hooks = Hooks(active, trace=self._trace)
        catalogue = Catalogue.of(hooks, fields)
        return Definitions(catalogue, Schemas(catalogue.entities, locale), hooks)
