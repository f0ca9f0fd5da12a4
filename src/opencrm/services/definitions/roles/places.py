"""Units as a text names them: by the path from the company down, or by a name that only one has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencrm.core.access.organisation import Organisation
from opencrm.core.entities import Unit
from opencrm.core.values import Id
from opencrm.services.reading.rows import Query

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

_BETWEEN = " / "


class Places:
    """The units that a reader may read.

    Args:
        reader: The reader.
    """

    def __init__(self, reader: Reader) -> None:
        units = [*reader.stream(Query(Unit, fields=["id", "name", "parent_id"], sort="created_at"))]
        self._names: dict[Id, str] = {unit["id"]: unit["name"] for unit in units}
        parents = {unit["id"]: unit["parent_id"] for unit in units}
        self._tree = Organisation(version="", parents=parents, roles={})

    def path(self, unit: Id | None) -> str:
        """Return the names from the company down to a unit; of one that may not be read, the id; empty for none."""
        if unit is None or unit not in self._names:
            return unit or ""
        return _BETWEEN.join(self._names[each] for each in reversed(self._tree.above(unit)))

    def find(self, text: str) -> Id | None:
        """Return the unit that a text means by a path, a name or an id; None for an empty text.

        Raises:
            ValueError: There is none, or more than one.
        """
        if not text:
            return None
        by_path = [id for id in self._names if self.path(id) == text]
        found = by_path or [id for id, name in self._names.items() if text in (id, name)]
        if len(found) != 1:
            which = "more than one unit is" if found else "there is no unit that is"
            raise ValueError(f"{which} called {text!r}: say its path, such as 'Company{_BETWEEN}North'")
        return found[0]
