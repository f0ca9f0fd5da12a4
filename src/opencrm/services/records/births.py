"""The changes that make new records and their parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import Deal, Membership
from opencrm.core.entity import Spec
from opencrm.core.locale import Locale
from opencrm.core.pipeline import StageMove
from opencrm.core.pipeline.moves import entered, history_of
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.schemas import Loaded
from opencrm.services.commands import Create, History
from opencrm.services.delegation.mains import Mains
from opencrm.services.writing.judging.receivers import receivers
from opencrm.services.writing.lines import LINES, total

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


class Births:
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
            people = receivers(self._work, self._owners)
            self._homes = {id: next(iter(it.units), self._work.rights.home) for id, it in people.items()}
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
            raise _wrong("stage", f"no pipeline of {spec.name} has a stage {values['stage']!r}")
        if pipeline is None:
            raise _wrong("pipeline", f"{spec.name} has no pipeline {values['pipeline']!r}")
        if history is not None:
            moves = history.moves or ((values["stage"] or pipeline.initial, values["created_at"]),)
            return self._with_history(spec, values, moves)
        values["stage"] = values["stage"] or pipeline.initial
        if pipeline.stage(values["stage"]) is None:
            raise _wrong("stage", f"pipeline {pipeline.key!r} has no stage {values['stage']!r}")
        return entered(catalogue.pipelines, values, values["created_at"])

    def _with_history(
        self, spec: Spec, values: dict[str, Any], stages: Sequence[tuple[str, datetime]]
    ) -> dict[str, Any]:
        pipelines = self._work.configuration.catalogue.pipelines
        for stage, _ in stages:
            if pipelines[values["pipeline"]].stage(stage) is None:
                raise _wrong("stage", f"pipeline {values['pipeline']!r} has no stage {stage!r}")
        moves = history_of(spec.name, values["id"], values["pipeline"], stages)
        self.past[values["id"]] = moves
        return entered(pipelines, {**values, "stage": moves[-1].end}, moves[-1].at)

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


def _wrong(field: str, text: str) -> InputError:
    return InputError({field: [text]})
