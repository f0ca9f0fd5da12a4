"""The company that is measured: branches of two teams and ten people, each led by a manager."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import attrs

from benchmarks.databases import Place, Raw, connect
from opencrm import (
    CRM,
    Change,
    Create,
    JournalEntry,
    Membership,
    Objection,
    Pipeline,
    Principal,
    Role,
    Unit,
    User,
    hookimpl,
    records,
)
from opencrm.embed import Work

PEOPLE = 10
"""People of a branch: its manager, and the two teams."""

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Sales:
    """A plugin with a pipeline, a check that judges every deal, and a listener, for whom the outbox is kept."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline(
            "sales", ["new", "offer", "won", "lost"], moves=[("new", "offer"), ("offer", "won"), ("*", "lost")]
        )

    @hookimpl(entity="deal")
    def opencrm_check_change(self, changes: tuple[Change, ...]) -> Iterator[Objection]:
        for change in changes:
            if change.after["source"] == "blocked":
                yield Objection(change.id, "blocked", "takes no deals from there", "source")

    @hookimpl
    def opencrm_on_change(self, entry: JournalEntry) -> None:
        """Do nothing; no worker runs while we measure."""


@attrs.frozen(kw_only=True)
class Company:
    """What hand-written code knows of a company.

    Attributes:
        raw: A bare connection to its database.
        manager_id: The user who is manager of the first branch.
        unit: The branch.
        people: Each person's user id and unit, branch after branch; the first is the manager.
    """

    raw: Raw
    manager_id: str
    unit: str
    people: tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class World(Company):
    """A workspace with its company.

    Attributes:
        crm: The workspace.
        url: Its database.
        manager: The manager of the first branch, with a role over its subtree.
    """

    crm: CRM
    url: str
    manager: Principal


@contextmanager
def world(
    place: Place, *, branches: int = 1, levels: int = 3, plugins: Sequence[object] | None = None
) -> Iterator[World]:
    """Make a workspace with its company in a new database; of so many levels of units."""
    url = place.url()
    crm = CRM(url, plugins=[Sales()] if plugins is None else plugins)
    try:
        owner = crm.init(owner="Olive Owner")
        with crm.work(owner) as work:
            people = tuple(_company(work, branches, levels))
        first, unit = people[0]
        yield World(
            crm=crm,
            url=url,
            raw=connect(url),
            manager=Principal.user(first),
            manager_id=first,
            unit=unit,
            people=people,
        )
    finally:
        crm.close()


def _company(work: Work, branches: int, levels: int) -> Iterator[tuple[str, str]]:
    roles = {key: _found(work, Role, "key", key) for key in ("senior_manager", "manager_2")}
    root = _found(work, Unit, "name", "Company")
    for at in range(branches):
        branch, *teams = _units(work, root, at, levels)
        seats = [branch] + [teams[each % 2] for each in range(1, PEOPLE)]
        names = [{"name": f"Person {at}.{each}"} for each in range(PEOPLE)]
        users = [line.record_id for line in records.create(work, [Create(User, values=each) for each in names])]
        roles_of = ["senior_manager"] + ["manager_2"] * (PEOPLE - 1)
        rows = [
            {"user_id": user, "unit_id": unit, "role_id": roles[role], "is_primary": True}
            for user, unit, role in zip(users, seats, roles_of, strict=True)
        ]
        records.create(work, [Create(Membership, values=row) for row in rows])
        yield from zip(users, seats, strict=True)


def _units(work: Work, root: str, at: int, levels: int) -> list[str]:
    [branch] = records.create(work, [Create(Unit, name=f"Branch {at}", parent_id=root)])
    above = branch.record_id
    for level in range(3, levels):
        [between] = records.create(work, [Create(Unit, name=f"Department {at}.{level}", parent_id=above)])
        above = between.record_id
    named = [f"Team {at}.{team}" for team in (1, 2)]
    teams = records.create(work, [Create(Unit, name=name, parent_id=above) for name in named])
    return [branch.record_id, *(team.record_id for team in teams)]


def _found(work: Work, entity: type[Any], field: str, value: str) -> str:
    [id] = work.lookup(entity, field, [value])[value]
    return id


DEAL = [
    "id",
    "title",
    "title_key",
    "amount",
    "currency",
    "amount_from",
    "expected_close",
    "source",
    "source_key",
    "owner_id",
    "unit_id",
    "pipeline",
    "stage",
    "stage_since",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]
"""The columns that a deal of this company fills."""


def fill_with_deals(one: World, number: int) -> None:
    """Store deals spread evenly over all people, written by the bare driver."""
    one.raw.begin()
    one.raw.load("crm_deal", DEAL, _deals(one, number))
    one.raw.commit()
    one.raw.run("ANALYZE")


def _deals(one: World, number: int) -> Iterable[tuple[Any, ...]]:
    random, new_id = Random(2026), one.crm.workspace.ids.new
    for at in range(number):
        owner, unit = random.choice(one.people)
        when = stamp(BEGIN + timedelta(seconds=60 * at), sqlite=one.raw.sqlite)
        title, money = f"Windows for house {at}", random.randrange(100, 90_000) * 10_000
        close: Any = date(2026, 1, 5) + timedelta(days=at % 300)
        end = (when, when, f"user:{owner}", when, 1)
        close = close.isoformat() if one.raw.sqlite else close
        head = (new_id(), title, title.lower(), money, "EUR", "hand", close, "web", "web")
        yield (*head, owner, unit, "sales", "new", *end)


def stamp(at: datetime, *, sqlite: bool) -> Any:
    """Return an instant as the driver takes it."""
    return at.isoformat(timespec="microseconds") if sqlite else at
