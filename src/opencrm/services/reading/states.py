"""Whole states of records, hidden fields included: for rules to judge, never for a reader's eyes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from opencrm.core.change import Values
from opencrm.core.conditions import TRUE, Changed, Condition, Link, Referring, shape, values
from opencrm.core.entity import Spec
from opencrm.core.values import Id, is_id
from opencrm.services import journal
from opencrm.services.reading import linking
from opencrm.services.reading.planning.building import of_ids
from opencrm.services.reading.selecting import Selecting
from opencrm.storage.statements import padded

_CHUNK = 500
_Several: TypeAlias = list[Values]


class States(Selecting):
    """Reads states as one principal, in one transaction."""

    _lock_rows = False

    def states(self, spec: Spec, ids: Sequence[Id], *, deleted: bool | None = False) -> dict[Id, Values]:
        """Return whole states of readable records, hidden fields included: for rules, never for a reader's eyes."""
        scope = self.rights.expression(spec, "read").condition
        found: dict[Id, Values] = {}
        known = sorted(filter(is_id, ids))
        for start in range(0, len(known), _CHUNK):
            part = known[start : start + _CHUNK]
            rows = self._state_rows(spec, scope, part, deleted=deleted)
            found |= {row["id"]: row for row in rows}
        return found

    def whole(self, spec: Spec, ids: Sequence[Id]) -> dict[Id, Values]:
        """Return whole states of living records, of whoever: for rules, never for a reader's eyes."""
        parts = (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
        return {row["id"]: row for part in parts for row in self._state_rows(spec, TRUE, part, deleted=False)}

    def known(self, spec: Spec, ids: Sequence[Id]) -> set[Id]:
        """Return which of some hundred records, deleted ones included, the principal may know of."""
        scope, wanted = self.rights.expression(spec, "read").condition, padded(sorted(filter(is_id, ids)))
        if not wanted:
            return set()
        rows = self.tx.select(
            ("known", spec.name, len(wanted), shape(scope)),
            lambda: of_ids(spec, scope, len(wanted), self._entities, deleted=None, lock=False).with_only_columns(
                spec.table.c.id
            ),
            _parameters(wanted, scope),
        )
        return {id for (id,) in rows}

    def linked(self, link: Link | Referring, id: Id) -> bool:
        """Say whether the record that a link points to meets the link's condition, or one that refers to a record."""
        return linking.meets(self, link, id)

    def told(self, spec: Spec, change: Changed, id: Id) -> bool:
        """Say whether the journal tells of a change of a record's field."""
        return journal.tells_of(self.tx, spec, change, id)

    def _state_rows(self, spec: Spec, scope: Condition, ids: Sequence[Id], *, deleted: bool | None) -> _Several:
        lock, ids = self._lock_rows and not self.tx.sqlite, padded(ids)
        return self.tx.query(
            ("states", spec.name, len(ids), shape(scope), deleted, lock),
            lambda: of_ids(spec, scope, len(ids), self._entities, deleted=deleted, lock=lock),
            _parameters(ids, scope),
        )


def _parameters(ids: Sequence[Id], scope: Condition) -> dict[str, Any]:
    """Return the parameters of a statement about ids within a scope."""
    return {f"i{at}": id for at, id in enumerate(ids)} | {f"s{at}": it for at, it in enumerate(values(scope))}
