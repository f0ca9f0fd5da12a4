"""Opening saved views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from opencrm.core.entities.workspace.views import SavedView
from opencrm.core.values import Id
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query
from opencrm.services.viewing.definitions import definition, query_of
from opencrm.services.viewing.definitions import usable as usable_of


def open(reader: Reader, view_id: Id, *, limit: int = 50, cursor: str | None = None) -> Query[Any]:
    """Return the query that a saved view stands for, to be run by this reader: `reader.list(views.open(reader, id))`.

    Args:
        reader: Whoever looks.
        view_id: The view, one's own or published to one's unit.
        limit: How many rows a page has at most.
        cursor: Where the page before ended.

    Raises:
        NotFound: There is no such view, or none that the reader may know of.
        InputError: Its condition or its order looks at a field that is gone, or that the reader may not read.
    """
    query = query_of(reader, definition(reader, SavedView, view_id))
    return attrs.evolve(query, limit=limit, cursor=cursor)


def usable(reader: Reader, ids: Sequence[Id]) -> Mapping[Id, bool]:
    """Say of each of these views that the reader may know of whether `open` opens it for them."""
    return usable_of(reader, SavedView, ids)
