"""What a mass edit makes of one record: built as the services for single records build it, and judged by nobody yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import attrs

from opencrm.core.change import Change, Kind, Values
from opencrm.core.conditions import Condition
from opencrm.core.entity import Entity, Spec
from opencrm.core.pipeline import moved
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services import assigning, records
from opencrm.services.commands import Assign
from opencrm.services.writing.judging.receivers import receivers

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

E = TypeVar("E", bound=Entity)
Step: TypeAlias = Callable[[Values], Change]


@attrs.frozen(kw_only=True)
class MassEdit(Generic[E]):
    """One change to many records: `MassEdit(Deal, where=Equal("source", "fair"), set={"source": "Fair"})`.

    Args:
        entity: Whose records.
        where: Which, by a condition over fields that the editor may read; or else `ids`.
        ids: Which, one by one.
        set: Values of fields.
        owner: A new owner; the records go to the owner's unit unless `unit` is named.
        unit: A new unit.
        move: A stage to move to.
        delete: Take them away.
        restore: Bring deleted ones back.
        whole: Do all or nothing: the first refusal is raised.
    """

    entity: type[E] | Spec = attrs.field(kw_only=False)
    where: Condition | None = None
    ids: Sequence[Id] | None = None
    set: Mapping[str, Any] | None = None
    owner: Id | None = None
    unit: Id | None = None
    move: str | None = None
    delete: bool = False
    restore: bool = False
    whole: bool = False

    def check(self) -> None:
        """Judge what is asked for.

        Raises:
            InputError: Nothing is to be done, or more than one thing; or it is not said with which records.
        """
        if len(self._verbs) != 1 or self.set == {}:
            raise InputError({"set": ["or one of owner and unit, move, delete and restore is required, and no other"]})
        if (self.where is None) == (self.ids is None):
            raise InputError({"where": ["or ids is required, and not both; for all records, an empty all"]})

    @property
    def verb(self) -> str:
        """The one thing that is to be done, as permissions call it; raises what `check` raises."""
        self.check()
        return self._verbs[0]

    @property
    def _verbs(self) -> Sequence[str]:
        wanted = {
            "update": self.set is not None,
            "assign": self.owner is not None or self.unit is not None,
            "move": self.move is not None,
            "delete": self.delete,
            "restore": self.restore,
        }
        return [verb for verb, asked in wanted.items() if asked]


def step_of(work: Work, spec: Spec, wish: MassEdit[Any]) -> Step:
    """Return what makes the change of a record's state.

    Raises:
        InputError: The wish holds a bad value, whatever the record.
        PermissionDenied: The principal may do this to no record at all.
    """
    verb = wish.verb
    if verb != "move" and work.rights.expression(spec, verb).nothing:
        raise work.rights.denied(f"{spec.name}.{verb}", "no grant")
    if verb == "update":
        given = records.given_of(work, spec, wish.set or {})
        return lambda before: records.updated(work, spec, before, given)
    if verb == "assign":
        return _assigning(work, spec, wish)
    if verb == "move":
        return _moving(work, spec, wish.move or "")
    at = work.now if verb == "delete" else None
    return lambda before: records.deleted(work, spec, before, at)


def changes_nothing(change: Change) -> bool:
    """Say whether a record is so already."""
    before = change.before or {}
    if change.kind is Kind.MOVED:
        return all(before[name] == change.after[name] for name in ("pipeline", "stage"))
    return not change.fields


def _assigning(work: Work, spec: Spec, wish: MassEdit[Any]) -> Step:
    if not spec.owned:
        raise InputError({"owner": [f"{spec.name} has no owner"]})
    for name, id in (("owner", wish.owner), ("unit", wish.unit)):
        if id is not None:
            assigning.checked(name, id)
    people = receivers(work, [] if wish.owner is None else [assigning.checked("owner", wish.owner)])

    def step(before: Values) -> Change:
        command: Assign[Any] = Assign(spec, before["id"], owner=wish.owner, unit=wish.unit)
        return assigning.assigned(work, spec.name, before, command, people)

    return step


def _moving(work: Work, spec: Spec, to: str) -> Step:
    if not spec.staged:
        raise InputError({"stage": [f"{spec.name} has no stages"]})
    pipelines = work.configuration.catalogue.pipelines

    def step(before: Values) -> Change:
        change = moved(pipelines, spec.name, before, to, work.now)
        return attrs.evolve(change, after={**change.after, "updated_at": work.now})

    return step
