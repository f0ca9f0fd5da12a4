"""What a file's rows stand for, ready to be asked: each target with the functions that get its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import attrs

from opencrm import History, Pipeline
from opencrm.embed import Spec
from opencrm.plugins.importing.mapping.maps import OWN, Target
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import NOBODY, Draft, Link, Wanted
from opencrm.plugins.importing.rows.evaluating import Cells, Get


@attrs.frozen
class Item:
    """One value of a target or of a part.

    Attributes:
        name: The field's name.
        column: The header to show an error at; empty for a constant.
        get: Returns the raw value.
        link: For a reference, how the text names the record.
        earlier: For a reference to an earlier target of the row, that target's position.
    """

    name: str
    column: str
    get: Get
    link: Link | None = None
    earlier: int | None = None

    @cached_property
    def linked(self) -> bool:
        """Whether it refers to a record that is found later."""
        return self.link is not None or self.earlier is not None


@attrs.frozen
class PartPlan:
    """One part of a target; left out of a row in which all its columns are blank."""

    name: str
    items: tuple[Item, ...]

    @cached_property
    def _own(self) -> frozenset[str]:
        return frozenset(item.name for item in self.items if item.column)

    def named(self, raw: Mapping[str, Any]) -> bool:
        """Say whether a part has anything of its own: constants alone make none, and blanks are not in `raw`."""
        return not self._own.isdisjoint(raw) if self._own else bool(raw)


@attrs.frozen
class PastPlan:
    """The history of a target."""

    column: str
    created_at: Get | None
    steps: tuple[tuple[Get, Get], ...]

    def history(self, cells: Cells) -> History:
        """Return a row's history; raises ValueError with a sentence."""
        moves = [(stage(cells), at(cells)) for stage, at in self.steps]
        dated: list[tuple[str, datetime]] = [
            (str(stage).strip(), at) for stage, at in moves if stage is not None and at is not None
        ]
        return History(created_at=self.created_at(cells) if self.created_at else None, moves=tuple(dated))

    def until(self, history: History, stage: Any) -> History:
        """Return a history that ends at the stage in which the record stands."""
        last = history.moves[-1] if history.moves else None
        if stage is None or last is None or last[0] == str(stage).strip():
            return history
        return History(created_at=history.created_at, moves=(*history.moves, (str(stage).strip(), last[1])))


@attrs.frozen
class TargetPlan:
    """One target of a file.

    Attributes:
        at: Its position among the file's targets.
        target: What the map says.
        spec: The entity.
        system: The system of its records' keys: the map's, or the file itself where rows are known by number.
        key: The key in the outside system, if the map names one.
        items: Its fields.
        parts: Its parts.
        past: Its history, if the map has one.
        pipelines: The pipelines of the workspace.
        template: Values that hold where the map says nothing.
        filled: Whether a row has a value for any of its fields and parts; None where no column is one.
    """

    at: int
    target: Target
    spec: Spec
    system: str
    key: Item | None
    items: tuple[Item, ...]
    parts: tuple[PartPlan, ...]
    past: PastPlan | None
    pipelines: Mapping[str, Pipeline]
    template: Mapping[str, Any]
    filled: Callable[[Cells], bool] | None

    @cached_property
    def requires(self) -> tuple[int, ...]:
        """Positions of the earlier targets without which there is no such record."""
        fields = self.spec.fields
        return tuple(it.earlier for it in self.items if it.earlier is not None and fields[it.name].required)

    @property
    def numbered(self) -> bool:
        """Whether its records are recognised by the file and the row's number alone."""
        return self.key is None and not self.target.match

    def column(self, field: str, draft: Draft | None = None) -> str:
        """Return the header that an error of a field is shown at; a part's field is `points[0].value`."""
        place, _, inner = field.partition(".")
        name, _, rest = place.partition("[")
        if name == "refs":
            return self.key.column if self.key else ""
        if not rest:
            return next((item.column for item in self.items if item.name == name), "")
        at = draft.origins.get(place) if draft is not None else None
        parts = [part for part in self.parts if part.name == name] if at is None else [self.parts[at]]
        items = [item for part in parts for item in part.items if item.column]
        return next((item.column for item in items if item.name == inner), items[0].column if items else "")

    def draft(self, line: int, cells: Cells, earlier: Sequence[Draft | None], faults: dict[str, Fault]) -> Draft | None:
        """Return what a row asks for, None where it goes without.

        Args:
            line: The row's line.
            cells: Its cells.
            earlier: The row's drafts so far.
            faults: What is wrong is added here.
        """
        if self.target.optional and self._without(cells, earlier):
            return None
        draft = Draft(dict(self.template), self._key(line, cells, faults), [], None)
        self._fields(draft, cells, faults)
        if self._unrecognised(draft):
            if self.target.optional:
                return None
            column = self.key.column if self.key else self.column(self.target.match[0])
            faults.setdefault(column, Fault(column, "missing_key", "is blank, and the row is recognised by it"))
        self._parts(draft, cells, faults)
        self._stage(draft.raw, faults)
        if self.past is not None:
            self._history(draft, self.past, cells, faults)
        if draft.key is not None and self.system != OWN:
            draft.raw["refs"] = [{"system": self.system, "key": draft.key}]
        return draft

    def _without(self, cells: Cells, earlier: Sequence[Draft | None]) -> bool:
        """Say whether a row lacks what an optional target needs: another record, or any value of its own."""
        return any(earlier[at] is None for at in self.requires) or (self.filled is not None and not self.filled(cells))

    def _key(self, line: int, cells: Cells, faults: dict[str, Fault]) -> str | None:
        if self.key is None:
            return f"{self.target.name}:{line}" if self.numbered else None
        found = _value(self.key, cells, faults)
        return None if found is None else str(found).strip()

    def _unrecognised(self, draft: Draft) -> bool:
        if self.target.match and self.key is None:
            return all(draft.raw.get(name) is None for name in self.target.match)
        return draft.key is None

    def _fields(self, draft: Draft, cells: Cells, faults: dict[str, Fault]) -> None:
        raw = draft.raw
        for item in self.items:
            if item.linked:
                _refer(item, (item.name,), draft, raw, cells, faults)
                continue
            value = _value(item, cells, faults)
            if value is not None or self.spec.fields[item.name].default is None:
                raw[item.name] = value

    def _parts(self, draft: Draft, cells: Cells, faults: dict[str, Fault]) -> None:
        for at, part in enumerate(self.parts):
            found = draft.raw.setdefault(part.name, [])
            raw: dict[str, Any] = {}
            before = len(draft.wanted)
            for item in part.items:
                if item.linked:
                    _refer(item, (part.name, len(found), item.name), draft, raw, cells, faults)
                elif (value := _value(item, cells, faults)) is not None:
                    raw[item.name] = value
            if part.named(raw):
                draft.origins[f"{part.name}[{len(found)}]"] = at
                found.append(raw)
            else:
                del draft.wanted[before:]

    def _stage(self, raw: Mapping[str, Any], faults: dict[str, Fault]) -> None:
        stage = raw.get("stage") if self.spec.staged else None
        pipeline = self.pipelines.get(str(raw.get("pipeline"))) if stage is not None else None
        if pipeline is not None and pipeline.stage(str(stage).strip()) is None:
            text = f"pipeline {pipeline.key!r} has no stage {stage!r}"
            faults["stage"] = Fault(self.column("stage"), "unknown_stage", text)

    def _history(self, draft: Draft, past: PastPlan, cells: Cells, faults: dict[str, Fault]) -> None:
        try:
            draft.history = past.until(past.history(cells), draft.raw.get("stage"))
        except ValueError as error:
            faults["history"] = Fault(past.column, "invalid_input", f"history: {error}")


def _refer(
    item: Item, place: tuple[Any, ...], draft: Draft, raw: dict[str, Any], cells: Cells, faults: dict[str, Fault]
) -> None:
    """Put a reference down to be found later."""
    text = item.earlier if item.earlier is not None else _value(item, cells, faults)
    if text is None:
        raw |= {item.name: None} if len(place) == 1 else {}
        return
    raw[item.name] = NOBODY
    draft.wanted.append(Wanted(place, item.column, item.link, text if item.link is None else str(text).strip()))


def _value(item: Item, cells: Cells, faults: dict[str, Fault]) -> Any:
    try:
        return item.get(cells)
    except ValueError as error:
        faults[item.name] = Fault(item.column, "invalid_input", f"{item.name} {error}")
        return None
