"""A run: a company, operations one after another, and after each the comparison with the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

import attrs
from tests.properties.access import checks, delegation
from tests.properties.access.companies import ENTITIES, Firm
from tests.properties.access.drawing import draw
from tests.properties.access.judging import bound, judge, rules_broken
from tests.properties.access.oracle import is_owner, may
from tests.properties.access.scripts import Op, founding, hours

from opencrm import CRM

INSTANTS = ("valid_from", "valid_to", "until")
REFUSALS = (403, 404, 409, 422)
DONE = (200, 201, 204)


class Broken(AssertionError):
    """What runs and the oracle differ."""


@attrs.define
class Tally:
    """How much was done."""

    companies: int = 0
    operations: int = 0
    refused: int = 0
    rules: int = 0
    answers: int = 0

    def add(self, other: Tally) -> None:
        """Count what somebody else did, too."""
        for name, number in attrs.asdict(other).items():
            setattr(self, name, getattr(self, name) + number)

    def __str__(self) -> str:
        kept = f"{self.companies:,} companies, {self.operations:,} operations, {self.refused:,} of them refused"
        return f"{kept} ({self.rules:,} by a rule of delegation), {self.answers:,} answers compared"


@attrs.frozen
class Failure:
    """What went wrong in a company.

    Attributes:
        script: The operations up to there.
        text: What failed.
        look: Who saw wrong what; None where the operation itself went wrong.
    """

    script: list[Op]
    text: str
    look: tuple[str, str] | None


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

    def speaks_of(self, op: Op) -> dict[str, Any] | None:
        """Return the values of an operation; None if it speaks of something that was never made."""
        named = [op[name] for name in ("who", "of") if name in op]
        return self.values(op.get("values", {})) if all(label in self.firm.labels for label in named) else None

    def step(self, op: Op) -> bool:
        """Perform one operation, if all that it speaks of was made; return whether anything may be otherwise since."""
        if op["act"] == "wait":
            self.firm.crm.advance(hours(op["hours"]))
            return True
        values = self.speaks_of(op)
        if values is None:
            return False
        before = self.firm.world()
        user, entity = self.firm.id(op["who"]), op["entity"]
        id = self.firm.id(op["of"]) if "of" in op else None
        verdict = judge(before, user, op["act"], entity, id, values)
        rules = rules_broken(before, user, op["act"], entity, id, values) if verdict == "refuse" else set()
        status, answer = self._perform(op, user, id, values)
        after = self.firm.world()
        changes = changed(before, after)
        many = op["door"] == "many" and self.firm.has_token(user)
        if many and answer.get("unchanged") and may(before, user, entity, "read", before[entity][id]):
            verdict = "either"  # What is deleted already, or living, is told to be so.
        self._compare(op, verdict, status, answer, changes)
        if many and verdict == "hidden":
            self._compare_absent(op, user, status, answer)
        self._compare_rule(rules, status, answer)
        if status not in DONE:
            self.tally.refused += 1
        else:
            if op["act"] == "create":
                self.firm.labels[op["as"]] = (entity, answer["id"])
            self._became(op, before, after, user, answer["id"] if id is None else id)
        return bool(changes)

    def _perform(self, op: Op, user: str, id: str | None, values: dict[str, Any]) -> tuple[int, Any]:
        if op["who"] != "owner":
            self.firm.token(user) if self._active(user) else None
        if op["door"] != "service" and self.firm.has_token(user):
            door = {"rest": self.firm.by_rest, "many": self.firm.by_many}[op["door"]]
            return door(user, op["act"], op["entity"], id, self._plain(values))
        return self.firm.by_service(user, op["act"], op["entity"], id, values)

    def _plain(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Write instants as text."""
        text = {k: v.isoformat().replace("+00:00", "Z") for k, v in values.items() if isinstance(v, datetime)}
        return {**values, **text}

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
        if verdict == "hidden" and status != 404 and op["door"] != "many":
            raise Broken(f"answered {said} about a record that may not be known")
        if verdict == "allow" and status not in DONE and not self._business(op, status, answer):
            raise Broken(f"was refused ({said}), and the oracle allows it")
        if status not in DONE and changes:
            raise Broken(f"was refused ({said}) and yet changed {sorted(changes)}")

    def _compare_absent(self, op: Op, user: str, status: int, answer: Any) -> None:
        """Compare the refusal of many records, whatever they are, with that of one that is not there."""
        values = self._plain(self.speaks_of(op) or {})
        absent = self.firm.by_many(user, op["act"], op["entity"], checks.ABSENT, values)
        if absent != (status, answer):
            raise Broken(f"answered {answer} about what may not be known, and {absent} about what is not there")

    def _compare_rule(self, rules: set[str], status: int, answer: Any) -> None:
        """Compare the rule of delegation that a refusal names with those that are broken from one seat or another."""
        named = answer.get("rule") if status == 403 else None
        if rules and named in delegation.RULES:
            self.tally.rules += 1
            if named not in rules:
                raise Broken(f"was refused by another rule than {sorted(rules)}: {answer['detail']}")

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
        former = before[entity].get(id)
        if given and former != row and not bound(before, user, entity, former, row["owner_id"], row["unit_id"]):
            raise Broken("invariant 13: it was given beyond the reach of assign")
        checks.no_amplification(before, after, user)

    def check(self, touched: str) -> None:
        """Compare something that somebody sees, after a change of an entity."""
        self.tally.answers += checks.something(self.firm, self.firm.world(), self.random, touched)

    def check_everything(self) -> None:
        """Compare what everybody sees."""
        self.tally.answers += checks.everything(self.firm, self.firm.world(), self.random)

    def check_again(self, look: tuple[str, str]) -> None:
        """Compare what somebody sees of an entity, through all doors."""
        if look[0] in self.firm.labels and self._active(self.firm.id(look[0])):
            checks.look(self.firm, self.firm.world(), self.random, look, checks.DOORS)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The records that differ."""
    names = [entity.spec.name for entity in ENTITIES]
    touched = [name for name in names if before[name] is not after[name]]
    return {f"{name} {id}" for name in touched for id in after[name] if before[name].get(id) != after[name][id]}


def play(crm: CRM, tally: Tally, seed: str, number: int) -> Failure | None:
    """Found a company and perform so many operations in it; return what failed, or None."""
    random, script = Random(seed), []
    run = Run(crm, tally, random)
    try:
        for op in founding(random):
            script.append(op)
            run.step(op)
        for at in range(number):
            op = drawn(run, at)
            script.append(op)
            if run.step(op):
                run.check(op.get("entity", ""))
            tally.operations += 1
        run.check_everything()
    except AssertionError as error:
        return Failure(script, str(error), getattr(error, "look", None))
    tally.companies += 1
    return None


def drawn(run: Run, at: int) -> Op:
    """Draw an operation that can be tried: all that it speaks of is there."""
    while True:
        op = draw(run.random, run.firm, at)
        if run.speaks_of(op) is not None:
            return op


def replay(crm: CRM, script: list[Op], look: tuple[str, str] | None = None) -> str | None:
    """Run a script, and look once more at what differed; return what failed."""
    run = Run(crm, Tally(), Random("replay"))
    try:
        for op in script:
            run.step(op)
        if look is not None:
            run.check_again(look)
    except AssertionError as error:
        return str(error)
    return None
