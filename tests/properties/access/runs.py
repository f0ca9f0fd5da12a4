"""A run: a company, operations one after another, and after each the comparison with the oracle; and its shrinking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from random import Random
from typing import Any

import attrs
from tests.properties.access import checks, delegation
from tests.properties.access.companies import ENTITIES, Firm
from tests.properties.access.drawing import draw
from tests.properties.access.judging import bound, judge
from tests.properties.access.oracle import is_owner, may
from tests.properties.access.scripts import Op, founding, hours, told

from opencrm import CRM

INSTANTS = ("valid_from", "valid_to", "until")
REFUSALS = (403, 404, 409, 422)
DONE = (200, 201, 204)
Open = Callable[[], AbstractContextManager[CRM]]


class Broken(AssertionError):
    """What runs and the oracle differ."""


@attrs.define
class Tally:
    """How much was done."""

    companies: int = 0
    operations: int = 0
    done: int = 0
    answers: int = 0

    def __str__(self) -> str:
        kept = f"{self.companies} companies, {self.operations} operations of which {self.done} were done"
        return f"{kept}, {self.answers} answers compared"


class Run:
    """Performs operations on one company, and compares each of them and what everybody sees then."""

    def __init__(self, crm: CRM, tally: Tally, random: Random) -> None:
        self.firm = Firm(crm)
        self.tally = tally
        self.random = random
        self._start = crm.clock.now()

    def values(self, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        """Put ids and instants in the place of labels and hours; None if something was never made."""
        found: dict[str, Any] = {}
        for name, value in raw.items():
            if isinstance(value, str) and value.startswith("@"):
                if value[1:] not in self.firm.labels:
                    return None
                found[name] = self.firm.id(value[1:])
            elif name in INSTANTS and isinstance(value, int):
                found[name] = self._start + hours(value) - hours(1) / 2
            else:
                found[name] = value
        return found

    def step(self, op: Op) -> None:
        """Perform one operation, if all that it speaks of was made."""
        if op["act"] == "wait":
            self.firm.crm.advance(hours(op["hours"]))
            return
        values = self.values(op["values"])
        named = [op["who"], *([op["of"]] if "of" in op else [])]
        if values is None or any(label not in self.firm.labels for label in named):
            return
        before = self.firm.world()
        user, entity = self.firm.id(op["who"]), op["entity"]
        id = self.firm.id(op["of"]) if "of" in op else None
        verdict = judge(before, user, op["act"], entity, id, values)
        status, answer = self._perform(op, user, id, values)
        self.tally.operations += 1
        after = self.firm.world()
        self._compare(op, verdict, status, answer, changed(before, after))
        if status in DONE:
            self.tally.done += 1
            if op["act"] == "create":
                self.firm.labels[op["as"]] = (entity, answer["id"])
            self._became(op, before, after, user, answer["id"] if id is None else id)

    def _perform(self, op: Op, user: str, id: str | None, values: dict[str, Any]) -> tuple[int, Any]:
        if op["who"] != "owner":
            self.firm.token(user) if self._active(user) else None
        if op["door"] == "rest" and self.firm.has_token(user):
            plain = {
                k: v.isoformat().replace("+00:00", "Z") if isinstance(v, datetime) else v for k, v in values.items()
            }
            return self.firm.by_rest(user, op["act"], op["entity"], id, plain)
        return self.firm.by_service(user, op["act"], op["entity"], id, values)

    def _active(self, user: str) -> bool:
        row = self.firm.world()["user"][user]
        return bool(row["active"] and row["deleted_at"] is None)

    def _compare(self, op: Op, verdict: str, status: int, answer: Any, changes: set[str]) -> None:
        said = f"{status} {answer.get('detail', '') if isinstance(answer, dict) else ''}"
        if status not in (*DONE, *REFUSALS, 401):
            raise Broken(f"answered {said}")
        if verdict == "nobody" and status != 401:
            raise Broken(f"somebody disabled was answered {said}")
        if verdict in ("refuse", "hidden") and status in DONE:
            raise Broken(f"was done, and the oracle says: {verdict}")
        if verdict == "hidden" and status != 404:
            raise Broken(f"answered {said} about a record that may not be known")
        if verdict == "allow" and status not in DONE and not self._business(op, status, answer):
            raise Broken(f"was refused ({said}), and the oracle allows it")
        if status not in DONE and changes:
            raise Broken(f"was refused ({said}) and yet changed {sorted(changes)}")

    def _business(self, op: Op, status: int, answer: Any) -> bool:
        """Refusals that have nothing to do with permissions: no such move, a second one of what must be unique ..."""
        return status == 409 or (status == 422 and op["entity"] in ("unit", "membership", "user", "deputy", "share"))

    def _became(self, op: Op, before: Any, after: Any, user: str, id: str) -> None:
        """What holds of all that was done, whether the oracle foresaw it or not."""
        entity, row = op["entity"], after[op["entity"]][id]
        if not any(is_owner(after, it) for it in after["user"]):
            raise Broken("invariant 10: no owner is left")
        if is_owner(before, user):
            return
        standing_in = any(it["to_id"] == user for it in before["deputy"].values())
        made = op["act"] == "create" and entity not in delegation.ADMINISTERED
        if made and not standing_in and not may(after, user, entity, "create", row):
            raise Broken("what was made lies outside what may be made")
        given = op["values"].get("owner_id") not in (None, f"@{op['who']}") and op["act"] in ("create", "assign")
        if given and not bound(before, user, entity, row["owner_id"], row["unit_id"]):
            raise Broken("invariant 13: it was given beyond the reach of assign")
        checks.no_amplification(before, after, user)

    def check(self, *, whole: bool, doors: Sequence[Any] = ()) -> None:
        """Compare what some people see, or everybody."""
        world = self.firm.world()
        self.tally.answers += checks.compare(self.firm, world, self.random, whole=whole, doors=doors)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The records that differ."""
    names = [entity.spec.name for entity in ENTITIES]
    return {f"{name} {id}" for name in names for id in after[name] if before[name].get(id) != after[name][id]}


def play(crm: CRM, tally: Tally, seed: str, number: int) -> tuple[list[Op], str] | None:
    """Run a company; return the script up to the failure and what failed, or None."""
    random, script = Random(seed), []
    run = Run(crm, tally, random)
    try:
        for op in founding(random):
            script.append(op)
            run.step(op)
        for at in range(number):
            op = draw(random, run.firm, at)
            script.append(op)
            run.step(op)
            run.check(whole=False)
        run.check(whole=True)
    except AssertionError as error:
        return script, str(error)
    tally.companies += 1
    return None


def replay(crm: CRM, script: list[Op]) -> str | None:
    """Run a script, with all comparisons at its end; return what failed."""
    run = Run(crm, Tally(), Random("replay"))
    try:
        for op in script:
            run.step(op)
        run.check(whole=True, doors=checks.DOORS)
    except AssertionError as error:
        return str(error)
    return None


def shrunk(open_crm: Open, script: list[Op], most: int = 300) -> list[Op]:
    """Leave out of a failing script what is not needed for it to fail: operations first, then grants and rules."""
    left = iter(range(most))

    def fails(shorter: list[Op]) -> bool:
        if next(left, None) is None:
            return False
        with open_crm() as crm:
            return replay(crm, shorter) is not None

    script = without(script, fails)
    for at in range(len(script)):
        for name in ("delegable", "field_rules", "grants"):
            rows = script[at].get("values", {}).get(name)
            if rows:
                script = [*script[:at], _with(script[at], name, rows, script, at, fails), *script[at + 1 :]]
    return script


def without(items: list[Any], fails: Callable[[list[Any]], bool]) -> list[Any]:
    """Return the items without those of which none is needed."""
    size = max(1, len(items) // 2)
    while size >= 1:
        at = 0
        while at < len(items):
            shorter = items[:at] + items[at + size :]
            if fails(shorter):
                items = shorter
            else:
                at += size
        size //= 2
    return items


def _with(op: Op, name: str, rows: list[Any], script: list[Op], at: int, fails: Callable[[list[Op]], bool]) -> Op:
    def changed_to(fewer: list[Any]) -> Op:
        return {**op, "values": {**op["values"], name: fewer}}

    return changed_to(without(rows, lambda fewer: fails([*script[:at], changed_to(fewer), *script[at + 1 :]])))


def story(open_crm: Open, seed: str, script: list[Op], failure: str) -> str:
    """Tell a failure in few words: the shortest script that still fails."""
    short = shrunk(open_crm, script)
    with open_crm() as crm:
        last = replay(crm, short)
    if last is None:
        short, last = script, failure
    return "\n".join([f"company {seed}", *(f"  {told(op)}" for op in short), f"=> {last}"])
