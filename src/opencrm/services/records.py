"""Creating, changing, deleting and restoring records of any entity."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.entities import Deal, Membership
from opencrm.core.entity import Entity, Spec
from opencrm.core.locale import Locale
from opencrm.core.pipeline import StageMove
from opencrm.core.pipeline.moves import entered, history_of
from opencrm.core.values import Id
from opencrm.errors import ConflictError, InputError
from opencrm.schemas import Loaded
from opencrm.services.commands import Create, Delete, History, Restore, Update
from opencrm.services.delegation.mains import Mains
from opencrm.services.writing.judging import judge, places_of
from opencrm.services.writing.lines import LINES, total

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


class Named(Protocol):
    """A command that names one record."""

    @property
    def entity(self) -> type[Entity] | Spec: ...

    @property
    def id(self) -> Id: ...


def create(work: Work, commands: Sequence[Create[Any]]) -> tuple[JournalEntry, ...]:
    """Make records, each with the parts that were given with it.

    Args:
        work: The work block.
        commands: What to make; values may be raw or loaded.

    Returns:
        One journal entry for each command, in order; `entry.record_id` is the new record's id.

    Raises:
        InputError: A value cannot be used; `rows` tells which command's.
        PermissionDenied, Objected, Duplicate: See `Work.apply`.
    """
    several = _loaded(work, commands)
    births = _Births(work, several)
    heads = []
    for at, (command, values) in enumerate(zip(commands, several, strict=True)):
        try:
            heads.append(births.add(command, values))
        except InputError as error:
            raise InputError(error.fields, rows={at: error.fields}) from None
    lines = work.apply(births.changes, past=births.past)
    by_id = {line.record_id: line for line in lines}
    return tuple(by_id[id] for id in heads)


def update(work: Work, commands: Sequence[Update[Any]]) -> tuple[JournalEntry, ...]:
    """Change fields of records.

    Raises:
        NotFound: There is no such record, or none that the principal may know of.
        ConflictError: With `if_match`: a field that the principal may read changed since.
        InputError, PermissionDenied, Objected, Duplicate: See `Work.apply`.
    """
    states = states_of(work, commands)
    changes = []
    for at, command in enumerate(commands):
        spec, before = work.entity(command.entity), states[command.id]
        match(work, spec, before, command.if_match)
        changes.append(_updated(work, at, spec, before, command.values))
    return applied(work, changes)


def delete(work: Work, commands: Sequence[Delete[Any]]) -> tuple[JournalEntry, ...]:
    """Take records away, so that they can be restored.

    Raises:
        NotFound, ConflictError, PermissionDenied, Objected: See `update`.
    """
    states = states_of(work, commands)
    for command in commands:
        match(work, work.entity(command.entity), states[command.id], command.if_match)
    return work.apply([deleted(work, work.entity(it.entity), states[it.id], work.now) for it in commands])


def restore(work: Work, commands: Sequence[Restore[Any]]) -> tuple[JournalEntry, ...]:
    """Bring deleted records back.

    Raises:
        NotFound: There is no such deleted record, or none that the principal may know of.
        Duplicate: A value that must be unique is taken meanwhile.
    """
    states = states_of(work, commands, deleted=True)
    return work.apply([deleted(work, work.entity(it.entity), states[it.id], None) for it in commands])


def _loaded(work: Work, commands: Sequence[Create[Any]]) -> list[Loaded]:
    schemas, found, wrong = work.configuration.schemas, [], {}
    for at, command in enumerate(commands):
        if isinstance(command.values, Loaded):
            found.append(command.values)
            continue
        try:
            spec = work.entity(command.entity)
            found.append(schemas.load(spec, command.values, hidden=_hidden(work, spec)))
        except InputError as error:
            wrong[at] = error.fields
    if wrong:
        raise InputError(next(iter(wrong.values())), rows=wrong)
    return found


class _Births:
    """Builds the changes that make records and their parts."""

    def __init__(self, work: Work, several: Sequence[Loaded]) -> None:
        self._work = work
        self.changes: list[Change] = []
        self.past: dict[Id, Sequence[StageMove]] = {}
        self._owners = {values["owner_id"] for values in several if values.get("owner_id") is not None}
        self._homes: dict[Id, Id | None] = {}
        self._mains = Mains(work, several)
        self._ids = self._fresh(len(several))

    def _fresh(self, number: int) -> Iterator[Id]:
        """Give ids, made so many at once."""
        while True:
            yield from self._work.new_ids(number)

    def add(self, command: Create[Any], loaded: Loaded) -> Id:
        """Add the changes of one command; return the new record's id."""
        if command.history is not None:
            _check_history(self._work, command.history)
        spec, id = self._work.entity(command.entity), next(self._ids)
        parts = {name: loaded[name] for name in self._work.configuration.schemas.nested(spec) if name in loaded}
        values = self._stamped(id, {name: loaded[name] for name in spec.fields}, command.history)
        if spec.owned:
            self._place(values, loaded)
        if spec.staged:
            values = self._staged(spec, values, command.history)
        if command.history is not None:
            self.past.setdefault(id, ())
        if spec.cls is Membership:
            self._mains.settle(values, loaded.given)
        if spec.cls is Deal:
            _sum_lines(values, parts.get(LINES, ()), loaded.given, self._work.configuration.locale)
        self.changes.append(Change(spec.name, id, Kind.CREATED, None, values))
        for name, several in parts.items():
            self._add_parts(spec, name, id, several)
        return id

    def _stamped(self, id: Id, values: dict[str, Any], history: History | None) -> dict[str, Any]:
        """Add what every new record has; a new dict would be built for each of a hundred thousand."""
        now = self._work.now
        values["id"] = id
        values["created_at"] = (history and history.created_at) or now
        values["updated_at"] = now
        values["created_by"] = self._work.rights.name
        values["version"] = 1
        return values

    def _place(self, values: dict[str, Any], loaded: Loaded) -> None:
        """Give a record its owner and its unit: those named, else the creator, else the owner's home."""
        if "owner_id" not in loaded.given and values["owner_id"] is None:
            values["owner_id"] = self._work.rights.user_id
        if values["unit_id"] is None:
            values["unit_id"] = self._home(values["owner_id"])

    def _home(self, owner: Id | None) -> Id | None:
        if owner in (None, self._work.rights.user_id):
            return self._work.rights.home
        if not self._homes:
            places = places_of(self._work, self._owners)
            self._homes = {id: next(iter(place["units"]), self._work.rights.home) for id, place in places.items()}
        return self._homes[owner or ""]

    def _staged(self, spec: Spec, values: dict[str, Any], history: History | None) -> dict[str, Any]:
        catalogue = self._work.configuration.catalogue
        if values["pipeline"] is None and values["stage"] is None:
            first = next(iter(catalogue.pipelines_of(spec.name)), None)
            if first is None:
                return values
            values["pipeline"] = first.key
        if values["pipeline"] is None:
            values["pipeline"] = next(
                (it.key for it in catalogue.pipelines_of(spec.name) if it.stage(values["stage"])), None
            )
        pipeline = catalogue.pipelines.get(values["pipeline"] or "")
        if values["pipeline"] is None:
            raise self._wrong("stage", f"no pipeline of {spec.name} has a stage {values['stage']!r}")
        if pipeline is None:
            raise self._wrong("pipeline", f"{spec.name} has no pipeline {values['pipeline']!r}")
        if history is not None:
            moves = history.moves or ((values["stage"] or pipeline.initial, values["created_at"]),)
            return self._with_history(spec, values, moves)
        values["stage"] = values["stage"] or pipeline.initial
        if pipeline.stage(values["stage"]) is None:
            raise self._wrong("stage", f"pipeline {pipeline.key!r} has no stage {values['stage']!r}")
        return entered(catalogue.pipelines, values, values["created_at"])

    def _with_history(
        self, spec: Spec, values: dict[str, Any], stages: Sequence[tuple[str, datetime]]
    ) -> dict[str, Any]:
        pipelines = self._work.configuration.catalogue.pipelines
        for stage, _ in stages:
            if pipelines[values["pipeline"]].stage(stage) is None:
                raise self._wrong("stage", f"pipeline {values['pipeline']!r} has no stage {stage!r}")
        moves = history_of(spec.name, values["id"], values["pipeline"], stages)
        self.past[values["id"]] = moves
        return entered(pipelines, {**values, "stage": moves[-1].end}, moves[-1].at)

    def _wrong(self, field: str, text: str) -> InputError:
        return InputError({field: [text]})

    def _add_parts(self, spec: Spec, name: str, id: Id, several: Iterable[Loaded]) -> None:
        part, field = self._work.configuration.schemas.nested(spec)[name]
        for loaded in several:
            values = self._stamped(next(self._ids), {each: loaded[each] for each in part.fields}, None)
            values[field] = id
            if part.cls is Membership:
                self._mains.settle(values, loaded.given)
            if id in self.past:
                self.past[values["id"]] = ()
            self.changes.append(Change(part.name, values["id"], Kind.CREATED, None, values))


def _check_history(work: Work, history: History) -> None:
    """Refuse a past that comes from nowhere, or lies ahead.

    Raises:
        InputError: The work block names no origin, or a date is in the future.
    """
    dates = [at for _, at in history.moves] + ([history.created_at] if history.created_at else [])
    if work.origin is None:
        raise InputError({"history": ["is for imports: open the work block with an origin"]})
    if any(at > work.now for at in dates):
        raise InputError({"history": ["must not lie in the future"]})


def _sum_lines(values: dict[str, Any], lines: Sequence[Values], given: Collection[str], locale: Locale) -> None:
    """Let a deal that names lines and no amount have the sum of its lines."""
    if lines and "amount" not in given and "amount_from" not in given:
        values["amount_from"] = LINES
    if values["amount_from"] == LINES:
        named = next((line["currency"] for line in lines if line["currency"]), None)
        values["currency"] = values["currency"] or named or locale.currency
        values["amount"] = total(lines, values["currency"])


def given_of(work: Work, spec: Spec, raw: Mapping[str, Any]) -> Loaded:
    """Return the typed values of an update.

    Raises:
        InputError: Names each bad field, and each that the principal may not read.
    """
    return work.configuration.schemas.load_update(spec, raw, hidden=_hidden(work, spec))


def _hidden(work: Work, spec: Spec) -> Collection[str]:
    """Return the fields that do not exist for the principal: not even their types are told."""
    return spec.fields.keys() - work.rights.readable(spec)


def updated(work: Work, spec: Spec, before: Values, given: Loaded) -> Change:
    """Return the change that gives a record these values; judges nothing.

    Raises:
        InputError: Something that is required would be missing.
    """
    after = {**before, **given}
    work.configuration.schemas.complete(spec, after)
    changed = any(after[name] != before[name] for name in spec.fields)
    return Change(
        spec.name, before["id"], Kind.CHANGED, before, {**after, "updated_at": work.now} if changed else after
    )


def _updated(work: Work, at: int, spec: Spec, before: Values, raw: Mapping[str, Any]) -> Change:
    try:
        return updated(work, spec, before, given_of(work, spec, raw))
    except InputError as error:
        raise InputError(error.fields, rows={at: error.fields}) from None


def applied(work: Work, changes: Sequence[Change]) -> tuple[JournalEntry, ...]:
    """Apply the changes that change something; for the others, say so without a line in the journal."""
    real = [change for change in changes if change.fields]
    judge(work, [change for change in changes if not change.fields])
    lines = {line.record_id: line for line in work.apply(real)} if real else {}
    return tuple(lines.get(change.id) or work.unchanged(change) for change in changes)


def deleted(work: Work, spec: Spec, before: Values, at: datetime | None) -> Change:
    """Return the change that takes a record away at an instant, or brings it back; judges nothing."""
    kind = Kind.RESTORED if at is None else Kind.DELETED
    return Change(spec.name, before["id"], kind, before, {**before, "deleted_at": at, "updated_at": work.now})


def states_of(work: Work, commands: Sequence[Any], *, deleted: bool = False) -> dict[Id, Values]:
    """Return the states of the records that commands name.

    Raises:
        NotFound: One is not there, or the principal may not know of it.
        InputError: One is named twice.
    """
    wanted: dict[str, list[Id]] = {}
    for command in commands:
        wanted.setdefault(work.entity(command.entity).name, []).append(command.id)
    found: dict[Id, Values] = {}
    for name, ids in wanted.items():
        if len(set(ids)) < len(ids):
            raise InputError({"id": ["a record is named twice in one batch"]})
        found |= work.existing(work.entity(name), ids, deleted=deleted)
    return found


def match(work: Work, spec: Spec, before: Values, wanted: str | None) -> None:
    """Refuse to go on if a field that the principal may read changed since it was read.

    Raises:
        ConflictError: It did.
    """
    if wanted is not None and wanted.strip('"') != work.etag(spec, before):
        raise ConflictError(
            f"somebody else changed this {spec.name} since you read it", entity=spec.name, id=before["id"]
        )
