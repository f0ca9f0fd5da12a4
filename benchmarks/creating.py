"""Create one deal, with access, history, outbox and commit, against the bare driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import event

from benchmarks import ids
from benchmarks.databases import Place, Row, insert_of
from benchmarks.importing import JOURNAL
from benchmarks.measuring import Measured, in_turn
from benchmarks.world import DEAL, Company, World, stamp, world
from opencrm import Create, Deal, records

TIMES = 20
"""Creates of one measurement."""

_GIVEN = {"title": "Windows for a house", "amount": "1200.50", "source": "web", "expected_close": "2026-12-01"}
MOVE = ["id", "act", "entity", "record_id", "pipeline", "end", "at", "by"]
_DOCUMENT = insert_of("crm_search_document", ["entity", "record_id", "source_id", "field", "weight", "head", "text"])
COUNTER = ["id", "entity", "pipeline", "stage", "unit_id", "owner_id", "currency", "number", "valued", "high", "low"]
_DEAL, _JOURNAL, _MOVE, _COUNTER = (
    insert_of(f"crm_{table}", columns)
    for table, columns in (("deal", DEAL), ("journal", JOURNAL), ("stage_move", MOVE), ("counter", COUNTER))
)
_PRINCIPAL = (
    "SELECT w.config_version, u.id, u.active, m.id, m.unit_id, m.role_id FROM crm_workspace w "
    "LEFT JOIN crm_user u ON u.id = ? AND u.deleted_at IS NULL "
    "LEFT JOIN crm_membership m ON m.user_id = u.id AND m.deleted_at IS NULL"
)


def measure(place: Place, rounds: int) -> Iterator[Measured]:
    """Measure against the smallest floor, which the target is about, and against the same rows."""
    target = 3.0 if place.name == "postgresql" else 7.0
    with world(place) as theirs, world(place) as ours:
        hand, create = Floor(theirs), _creator(ours)
        for name, floor, wanted in (("deal and history", hand.least, target), ("the same rows", hand.same, None)):
            pairs = in_turn(floor, create, rounds=rounds, times=TIMES)
            yield pairs.line(f"create a deal (floor: {name})", place.name, target=wanted)


def statements(place: Place) -> dict[str, list[str]]:
    """Return the statements of both sides."""
    least = ["BEGIN", _DEAL, _JOURNAL, "COMMIT"]
    same = ["BEGIN", _PRINCIPAL, _DEAL, _JOURNAL, _MOVE, _DOCUMENT, _COUNTER, "COMMIT"]
    with world(place) as one:
        return {"floor: deal and history": least, "floor: the same rows": same, "opencrm": _recorded(one)}


def _recorded(one: World) -> list[str]:
    create, engine = _creator(one), one.crm.database.engine
    create()
    found: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: found.append(str(given[2])))
    event.listen(engine, "commit", lambda _: found.append("COMMIT"))
    create()
    return found if found[0].startswith("BEGIN") else ["BEGIN", *found]


def _creator(one: World) -> Callable[[], None]:
    crm, manager = one.crm, one.manager

    def create() -> None:
        with crm.work(manager) as work:
            records.create(work, [Create(Deal, values=_GIVEN)])

    return create


class Floor:
    """Hand-written creation, with ids, folded keys and the history's JSON."""

    def __init__(self, one: Company) -> None:
        self._raw, self._user, self._unit = one.raw, one.manager_id, one.unit
        self._by = f"user:{one.manager_id}"

    def least(self) -> None:
        """Begin, the deal, its history, commit."""
        deal, line, _ = self.rows(_GIVEN)
        self._raw.begin()
        self._raw.run(_DEAL, deal)
        self._raw.run(_JOURNAL, line)
        self._raw.commit()

    def same(self) -> None:
        """The same, with the principal read, the stage entered, and what search and the counters hold of it."""
        deal, line, move = self.rows(_GIVEN)
        self._raw.begin()
        self._raw.run(_PRINCIPAL, (self._user,))
        self.store(deal, line, move)
        self._raw.commit()

    def store(self, deal: Row, line: Row, move: Row) -> None:
        """Store what `rows` gave."""
        self._raw.run(_DEAL, deal)
        self._raw.run(_JOURNAL, line)
        self._raw.run(_MOVE, move)
        self._raw.run(_DOCUMENT, ("deal", deal[0], deal[0], "deal.title", 0, deal[2][:32], deal[2]))
        halves = (deal[3] >> 24, deal[3] & (1 << 24) - 1)
        place = ("deal", "sales", "new", self._unit, self._user, "EUR")
        self._raw.run(_COUNTER, (ids.many(1)[0], *place, 1, 1, *halves))

    def rows(self, given: Mapping[str, Any]) -> tuple[Row, Row, Row]:
        """Return a deal, its line of the journal and the stage that it enters."""
        now = stamp(datetime.now(UTC), sqlite=self._raw.sqlite)  # noqa: TID251
        id, act, line, move = ids.many(4)
        title, amount, source, close = (
            given["title"],
            Decimal(given["amount"]),
            given["source"],
            given["expected_close"],
        )
        values = {
            "id": id,
            "title": title,
            "amount": str(amount),
            "currency": "EUR",
            "amount_from": "hand",
            "expected_close": close,
            "source": source,
            "owner_id": self._user,
            "unit_id": self._unit,
            "pipeline": "sales",
            "stage": "new",
            "stage_since": str(now),
        }
        head = (id, title, title.casefold(), int(amount.scaleb(4)), "EUR", "hand", close, source, source)
        deal = (*head, self._user, self._unit, "sales", "new", now, now, self._by, now, 1)
        after = orjson.dumps(values).decode()
        journal = (line, act, now, "deal", id, "created", self._by, None, None, after, True)
        return deal, journal, (move, act, "deal", id, "sales", "new", now, self._by)
