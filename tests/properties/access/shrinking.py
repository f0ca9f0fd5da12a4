"""From the script of a failure to the shortest one found in a minute that still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from tests.properties.access.runs import Failure, replay
from tests.properties.access.scripts import Op, told

from opencrm import CRM
from opencrm.embed import monotonic

Open = Callable[[], AbstractContextManager[CRM]]
LONGEST = 60.0
"""For so many seconds a shorter script is looked for."""


def story(open_crm: Open, failure: Failure) -> str:
    """Tell a failure in few words: the shortest script found that still fails."""
    script, text = failure.script, f"{failure.text} (it does not fail again when it is replayed)"
    again = _again(open_crm, script, failure)
    if again is not None:
        script = _Shrinking(open_crm, failure).shrunk(script)
        text = _again(open_crm, script, failure) or again
    return "\n".join([*(f"  {told(op)}" for op in script), f"=> {text}"])


def _again(open_crm: Open, script: list[Op], failure: Failure) -> str | None:
    with open_crm() as crm:
        return replay(crm, script, failure.look)


class _Shrinking:
    """Leaves out of a failing script what is not needed for it to fail, until the time is over."""

    def __init__(self, open_crm: Open, failure: Failure) -> None:
        self._open = open_crm
        self._failure = failure
        self._end = monotonic() + LONGEST

    def shrunk(self, script: list[Op]) -> list[Op]:
        """Leave out operations first, then grants and rules."""
        script = self._without(script, lambda fewer: fewer)
        for at, op in enumerate(script):
            for name in ("delegable", "field_rules", "grants"):
                rows = op.get("values", {}).get(name)
                if rows:
                    rebuilt = _Rebuilt(script, at, name)
                    script = rebuilt(self._without(rows, rebuilt))
        return script

    def _without(self, items: list[Any], rebuilt: Callable[[list[Any]], list[Op]]) -> list[Any]:
        """Return the items without those of which none is needed."""
        for size in _halves(len(items)):
            at = 0
            while at < len(items):
                fewer = items[:at] + items[at + size :]
                if self._fails(rebuilt(fewer)):
                    items = fewer
                else:
                    at += size
        return items

    def _fails(self, script: list[Op]) -> bool:
        return monotonic() < self._end and _again(self._open, script, self._failure) is not None


class _Rebuilt:
    """A script with fewer rows in one of its operations."""

    def __init__(self, script: list[Op], at: int, name: str) -> None:
        self._script, self._at, self._name = script, at, name

    def __call__(self, rows: list[Any]) -> list[Op]:
        op = self._script[self._at]
        changed = {**op, "values": {**op["values"], self._name: rows}}
        return [*self._script[: self._at], changed, *self._script[self._at + 1 :]]


def _halves(number: int) -> Iterator[int]:
    while number > 1:
        number = (number + 1) // 2
        yield number
