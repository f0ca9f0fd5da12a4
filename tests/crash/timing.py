"""What goes by time while processes are killed: what is to follow from each timer, and the timers that are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from opencrm import CRM, Activity, Company, Deal
from opencrm.storage import tables

DAILY = "Daily"
"""The deal for which something comes at times of the day."""
MINUTES = 20
"""At so many times of the day, from noon on, a minute each after the other."""
LEAD = timedelta(seconds=1)
"""So long before an activity a rule does something."""

_TIMER, _CLOCK, _TOLD = tables.timer, tables.sla_clock, tables.notification


def waiting(crm: CRM) -> int:
    """Return how many timers are still to fire: not those of the day's times that have not come."""
    now = crm.clock.now()
    several = [it for it in _timers(crm) if it["state"] == "waiting"]
    return sum(it["kind"] != "every" or it["due_at"] <= now for it in several) + (_noon(now) > now)


def expected(crm: CRM, settled: datetime) -> Iterator[tuple[str, Counter[str], Mapping[str, Counter[str]]]]:
    """Give what was made of each kind, by the field that names it, and what is to follow from that, by the effect."""
    deals = Counter(str(it["title"]) for it in _rows(crm, "deals", select(Deal.__table__.c.title)))
    promised = {"rotten": _after("rotten ", deals), "promised": _after("Promised ", deals), "breached": deals}
    times = Counter(f"daily {at:%H:%M}" for at in _times(settled))
    yield "title", _once(deals), {**promised, "daily": times}
    table = Activity.__table__
    columns = select(table.c.subject, table.c.created_at, table.c.happened_at)
    planned = [it for it in _rows(crm, "plans", columns) if it["happened_at"] is not None]
    names = Counter(str(it["subject"]) for it in planned)
    early = Counter(str(it["subject"]) for it in planned if it["created_at"] <= it["happened_at"] - LEAD)
    yield "subject", _once(names), {"ahead": _after("ahead ", early), "since": _after("since ", names)}


def there(crm: CRM, effect: str, subjects: Counter[str], settled: datetime) -> Counter[str]:
    """Return what followed: activities and companies by their names, who was told, the clocks that ran out."""
    if effect == "promised":
        titles = select(_TOLD.c.text, Deal.__table__.c.title).join_from(
            _TOLD, Deal.__table__, Deal.__table__.c.id == _TOLD.c.record_id
        )
        return Counter(str(it["text"]).format(**it) for it in _rows(crm, "promised", titles))
    if effect == "breached":
        titles = select(Deal.__table__.c.title).join_from(
            _CLOCK, Deal.__table__, Deal.__table__.c.id == _CLOCK.c.record_id
        )
        return Counter(str(it["title"]) for it in _rows(crm, "breached", titles.where(_CLOCK.c.state == "breached")))
    if effect in ("ahead", "since"):
        names = _rows(crm, "companies", select(Company.__table__.c.name))
        return Counter(str(it["name"]) for it in names if it["name"].startswith(f"{effect} "))
    found = Counter({it: number for it, number in subjects.items() if it.startswith(f"{effect} ")})
    late = {f"daily {at:%H:%M}" for at in _times(crm.clock.now()) if at > settled}
    return Counter({it: number for it, number in found.items() if it not in late or number > 1})


def left(crm: CRM, settled: datetime) -> list[str]:
    """Say which timers are left that should have fired, and which are gone that should not."""
    timers = _timers(crm)
    wrong = [
        f"timers: {it['key']!r} is {it['state']} since {it['due_at']}"
        for it in timers
        if it["state"] != "waiting" or it["kind"] != "every" or it["due_at"] <= settled
    ]
    gone = {f"every:daily_{minute}" for minute in range(MINUTES)} - {it["key"] for it in timers}
    return wrong[:5] + [f"timers: {key!r} is lost" for key in sorted(gone)[:5]]


def _noon(now: datetime) -> datetime:
    return now.replace(hour=12, minute=0, second=0, microsecond=0)


def _times(until: datetime) -> list[datetime]:
    every = (_noon(until) + timedelta(minutes=minute) for minute in range(MINUTES))
    return [at for at in every if at <= until]


def _after(prefix: str, names: Counter[str]) -> Counter[str]:
    return Counter({f"{prefix}{name}": number for name, number in names.items()})


def _once(names: Counter[str]) -> Counter[str]:
    return Counter(dict.fromkeys(names, 1))


def _timers(crm: CRM) -> list[dict[str, Any]]:
    return _rows(crm, "timers", select(_TIMER))


def _rows(crm: CRM, name: str, found: Select[Any]) -> list[dict[str, Any]]:
    with crm.database.read() as tx:
        return [dict(row) for row in tx.query(("crash", name), lambda: found, {})]
