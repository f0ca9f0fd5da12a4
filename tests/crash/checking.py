"""What must hold afterwards, read from the tables: nothing acknowledged is lost, and every effect is there once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs
from tests.crash import timing

from opencrm import CRM
from opencrm.storage import tables


@attrs.define
class Found:
    """What was found.

    Attributes:
        figures: How many of what.
        wrong: Sentences; empty if all is well.
    """

    figures: dict[str, int] = attrs.Factory(dict)
    wrong: list[str] = attrs.Factory(list)

    def compare(self, what: str, wanted: Counter[str], there: Counter[str]) -> None:
        """Note what is missing, and what is there too often."""
        missing, doubled = wanted - there, there - wanted
        self.figures[what] = sum(there.values())
        self.wrong += [f"{what}: {text!r} is missing" for text in sorted(missing)[:5]]
        self.wrong += [f"{what}: {text!r} is there {there[text]} times" for text in sorted(doubled)[:5]]


def busy(crm: CRM) -> int:
    """Return how much is still to be done, but for what comes at a time of the day that has not come."""
    with crm.database.read() as tx:
        execute = tx.connection.exec_driver_sql
        waiting = "SELECT count(*) FROM {} WHERE {}"
        several = (
            ("crm_journal", "pending"),
            ("crm_delivery", "state NOT IN ('dead', 'dropped')"),
            ("crm_run", "state IN ('waiting', 'running')"),
            ("crm_task", "wakes_at IS NOT NULL AND deleted_at IS NULL"),
        )
        number: int = sum(execute(waiting.format(*each)).scalar_one() for each in several)
    return number + timing.waiting(crm)


def check(
    crm: CRM,
    acknowledged: Iterable[tuple[str, str]],
    made: Iterable[tuple[str, str]],
    imported: Iterable[str],
    settled: datetime,
) -> Found:
    """Return what is wrong.

    Args:
        crm: The workspace.
        acknowledged: The changes of contacts that the server said yes to: fields and their values.
        made: What it said it made: the field that names it, and its name.
        imported: The names in the file that was brought in.
        settled: When nothing was left to do.
    """
    found = Found()
    lines = _changes(crm)
    written = Counter({f"{kind} {value}": number for (kind, value), number in lines.items()})
    wanted = Counter(f"{kind} {value}" for kind, value in acknowledged)
    found.figures["acknowledged changes"] = sum(wanted.values())
    found.compare("journal", written | wanted, Counter(dict.fromkeys(written, 1)) if _once(written) else written)
    found.wrong += [f"journal: {text!r} is there {n} times" for text, n in written.items() if n != 1][:5]
    subjects = _counted(crm, "SELECT subject FROM crm_activity WHERE deleted_at IS NULL")
    for kind, prefix in (("source", "at once"), ("source", "told")):
        effects = Counter(f"{prefix} {value}" for (name, value) in lines if name == kind)
        found.compare(prefix, effects, Counter({it: n for it, n in subjects.items() if it.startswith(f"{prefix} ")}))
    later = _counted(crm, "SELECT contact_id FROM crm_activity WHERE subject = 'later' AND deleted_at IS NULL")
    found.compare("later", _described(crm), later)
    names = _counted(crm, "SELECT name FROM crm_contact WHERE deleted_at IS NULL AND substr(name, 1, 8) <> 'Contact '")
    theirs = Counter(imported)
    found.compare("imported", theirs, Counter({it: n for it, n in names.items() if it.startswith("Imported ")}))
    own = Counter({it: n for it, n in names.items() if not it.startswith("Imported ")})
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, name in made:
        by_kind[kind].append(name)
    found.compare("made contacts", own | Counter(by_kind["name"]), Counter(dict.fromkeys(own, 1)))
    _check_tasks(crm, found, own)
    _check_timers(crm, found, subjects, by_kind, settled)
    _check_rest(crm, found)
    return found


def _check_timers(
    crm: CRM, found: Found, subjects: Counter[str], made: Mapping[str, list[str]], settled: datetime
) -> None:
    """Each timer fired once: what is to follow from it is there once, and no timer is left that should have fired."""
    for what, names, wanted in timing.expected(crm, settled):
        found.compare(f"made with {what}", names | Counter(made[what]), names)
        for effect, several in wanted.items():
            found.compare(effect, several, timing.there(crm, effect, subjects, settled))
    found.wrong += timing.left(crm, settled)


def _check_tasks(crm: CRM, found: Found, own: Counter[str]) -> None:
    titles = _counted(
        crm, "SELECT title FROM crm_task WHERE deleted_at IS NULL AND substr(title, 1, 13) <> 'Call Contact '"
    )
    found.compare("tasks", Counter(f"Call {name}" for name in own), titles)
    told = _counted(crm, "SELECT t.title FROM crm_notification n JOIN crm_task t ON t.id = n.record_id")
    all_titles = _counted(crm, "SELECT title FROM crm_task WHERE deleted_at IS NULL")
    found.compare("deadlines told", all_titles, told)


def _check_rest(crm: CRM, found: Found) -> None:
    for what, sql in (
        ("dead deliveries", "SELECT count(*) FROM crm_delivery WHERE state = 'dead'"),
        ("failed runs", "SELECT count(*) FROM crm_run WHERE state = 'failed'"),
    ):
        with crm.database.read() as tx:
            found.figures[what] = number = tx.connection.exec_driver_sql(sql).scalar_one()
        if number:
            found.wrong.append(f"{number} {what}")


def _changes(crm: CRM) -> Counter[tuple[str, str]]:
    """Return the changes in the journal, as field and value."""
    from sqlalchemy import select

    journal = tables.journal
    with crm.database.read() as tx:
        wanted = (journal.c.entity == "contact", journal.c.kind == "changed")
        rows = tx.query("changes", lambda: select(journal.c.after).where(*wanted), {})
    return Counter(item for row in rows for item in row["after"].items() if item[0] in ("source", "description"))


def _described(crm: CRM) -> Counter[str]:
    """Return how often each contact was described anew."""
    from sqlalchemy import select

    journal = tables.journal
    with crm.database.read() as tx:
        wanted = (journal.c.entity == "contact", journal.c.kind == "changed")
        rows = tx.query("described", lambda: select(journal.c.record_id, journal.c.after).where(*wanted), {})
    return Counter(row["record_id"] for row in rows if "description" in row["after"])


def _counted(crm: CRM, sql: str) -> Counter[str]:
    with crm.database.read() as tx:
        return Counter(str(row[0]) for row in tx.connection.exec_driver_sql(sql))


def _once(counted: Counter[str]) -> bool:
    return all(number == 1 for number in counted.values())
