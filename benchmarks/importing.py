"""Import of contacts: the write path of an import against hand-written code that stores the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import orjson

from benchmarks import ids
from benchmarks.databases import Place, Row
from benchmarks.measuring import Measured, Pairs, timed
from benchmarks.world import World, stamp, world
from opencrm import Contact, Create, records

CHUNK = 1000
"""Rows of a transaction: opencrm's importer, too, keeps a transaction on SQLite below 100 ms."""

CONTACT = [
    "id",
    "name",
    "name_key",
    "first_name",
    "first_name_key",
    "last_name",
    "last_name_key",
    "source",
    "source_key",
    "owner_id",
    "unit_id",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]
POINT = [
    "id",
    "contact_id",
    "kind",
    "value",
    "key",
    "preferred",
    "valid",
    "consent",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]
JOURNAL = ["id", "act", "at", "entity", "record_id", "kind", "principal", "origin", "before", "after", "pending"]

_WORD = re.compile(r"[^\W_]+")
DOCUMENT = ["entity", "record_id", "source_id", "field", "weight", "head", "text"]

_FIRST = ("Ada", "Björn", "Chloé", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas")
_LAST = ("Archer", "Bergström", "Castillo", "Dupont", "Ekberg", "Fischer", "Grant", "Hoffmann", "Ito", "Jensen")


def measure(place: Place, size: int) -> Iterator[Measured]:
    """Measure with contact points and their validation, and without."""
    yield _compare(place, size, with_points, PointsFloor).line(
        "import contacts, e-mail and phone checked (a row)", place.name, units=CHUNK, target=2.0
    )
    yield _compare(place, size, without_points, Floor).line(
        "import contacts, nothing to check (a row)", place.name, units=CHUNK, target=4.0
    )


def _compare(place: Place, size: int, row: Callable[[int], dict[str, Any]], floor: type[Floor]) -> Pairs:
    """Import the same rows on both sides, chunk by chunk in turn, each into its own workspace."""
    with world(place) as theirs, world(place) as ours:
        times: tuple[list[float], list[float]] = ([], [])
        hand = floor(theirs)
        for at in range(max(size // CHUNK, 4)):
            rows = [row(number) for number in range(at * CHUNK, (at + 1) * CHUNK)]
            both = [(0, lambda rows=rows: hand.store(rows)), (1, lambda rows=rows: _store(ours, rows))]
            for which, side in both if at % 2 else reversed(both):
                times[which].append(timed(side))
        must_agree(theirs, ours)
    return Pairs(times[0][1:], times[1][1:])


def _store(one: World, rows: Sequence[dict[str, Any]]) -> None:
    with one.crm.work(one.manager, origin="file") as work:
        loaded, wrong = work.configuration.schemas.load_many(Contact.spec, rows)
        assert not wrong
        records.create(work, [Create(Contact, values=each) for each in loaded])


def must_agree(theirs: World, ours: World, *more: tuple[str, Sequence[str]]) -> None:
    """Fail unless both sides stored the same rows, in these tables and in `more`."""
    tables = (("crm_contact", CONTACT), ("crm_contact_point", POINT), ("crm_journal", JOURNAL), *more)
    counts = [one.raw.run("SELECT count(*), sum(length(text)) FROM crm_search_document") for one in (theirs, ours)]
    assert counts[0] == counts[1], counts
    for table, names in tables:
        for first, second in zip_longest(_stored(theirs, table, names), _stored(ours, table, names)):
            if first != second:
                raise AssertionError(f"{table}: the sides stored {first} and {second}")


def _stored(one: World, table: str, names: Sequence[str]) -> Iterator[list[Any]]:
    """Give the rows of a table in the order of their ids, without what differs from run to run."""
    wanted = ", ".join(f'"{name}"' for name in ("id", *(name for name in names if name not in _OF_A_RUN)))
    kind = "entity IN ('contact', 'contact_point', 'external_ref') AND" if table == "crm_journal" else ""
    last = "00000000-0000-0000-0000-000000000000"
    while True:
        rows = one.raw.run(f"SELECT {wanted} FROM {table} WHERE {kind} id > ? ORDER BY id LIMIT 5000", (last,))
        if not rows:
            return
        last = rows[-1][0]
        yield from ([_without_ids(each) for each in row[1:]] for row in rows)


_OF_A_RUN = {"id", "contact_id", "owner_id", "unit_id", "created_at", "created_by", "updated_at"} | {
    "act",
    "at",
    "record_id",
    "principal",
}


def _without_ids(value: Any) -> Any:
    """Return a journal's JSON as names and values that do not differ from run to run."""
    if isinstance(value, str) and value.startswith("{"):
        value = orjson.loads(value)
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if not name.endswith("id")} | {"names": sorted(value)}
    return value


def without_points(number: int) -> dict[str, Any]:
    first, last = _FIRST[number % 10], _LAST[number // 10 % 10]
    return {"first_name": first, "last_name": f"{last} {number}", "source": "Trade fair"}


def with_points(number: int) -> dict[str, Any]:
    mail = {"kind": "email", "value": f"Person.{number}@Example-{number % 97}.com"}
    phone = {"kind": "phone", "value": f"020 7{number % 1_000_000:06d}0"}
    return without_points(number) | {"points": [mail, phone]}


class Floor:
    """Hand-written: contacts and their history, by executemany or COPY."""

    origin = "file"

    def __init__(self, one: World) -> None:
        self._raw, self._user, self._unit = one.raw, one.manager_id, one.unit
        self._by = f"user:{one.manager_id}"

    def store(self, rows: Sequence[dict[str, Any]]) -> None:
        now, fresh = stamp(datetime.now(UTC), sqlite=self._raw.sqlite), iter(ids.many(8 * len(rows)))  # noqa: TID251
        act = next(fresh)
        heads: list[tuple[Any, ...]] = []
        points: list[tuple[Any, ...]] = []
        lines: list[tuple[Any, ...]] = []
        for row in rows:
            heads.append(head := self._contact(next(fresh), row, now))
            points += (made := self._points(head[0], row, fresh, now))
            lines.append(self._line(next(fresh), act, now, "contact", head[0], contact_json(head)))
            lines += [self._line(next(fresh), act, now, "contact_point", each[0], point_json(each)) for each in made]
        self._raw.begin()
        self._raw.run("SELECT config_version FROM crm_workspace, crm_user WHERE crm_user.id = ?", (self._user,))
        self._raw.load("crm_contact", CONTACT, heads)
        if points:
            self._raw.load("crm_contact_point", POINT, points)
        self._raw.load("crm_journal", JOURNAL, lines)
        self._raw.load("crm_search_document", DOCUMENT, list(documents(heads, points)))
        self._raw.commit()

    def _contact(self, id: str, row: dict[str, Any], now: Any) -> tuple[Any, ...]:
        first, last, source = row["first_name"], row["last_name"], row["source"]
        name = f"{first} {last}"
        texts = (name, _fold(name), first, _fold(first), last, _fold(last), source, _fold(source))
        return (id, *texts, self._user, self._unit, now, self._by, now, 1)

    def _points(self, contact: str, row: dict[str, Any], fresh: Iterator[str], now: Any) -> list[tuple[Any, ...]]:
        return []

    def _line(self, id: str, act: str, now: Any, entity: str, record: str, after: str) -> tuple[Any, ...]:
        return (id, act, now, entity, record, "created", self._by, self.origin, None, after, True)


class PointsFloor(Floor):
    """The same with e-mail addresses and phone numbers, checked by the same libraries."""

    def _points(self, contact: str, row: dict[str, Any], fresh: Iterator[str], now: Any) -> list[tuple[Any, ...]]:
        mail, phone = (point["value"] for point in row["points"])
        end = (False, True, "unknown", now, self._by, now, 1)
        return [
            (next(fresh), contact, "email", mail, _mail_key(mail), *end),
            (next(fresh), contact, "phone", phone, _phone_key(phone), *end),
        ]


def documents(heads: Iterable[Row], points: Iterable[Row], refs: Iterable[Row] = ()) -> Iterator[tuple[Any, ...]]:
    """Give what search holds of contacts, their points and their keys elsewhere."""
    for id, name, *_ in heads:
        yield _document(id, id, "contact.name", 0, _words(name))
    for id, contact, kind, value, key, *_ in points:
        text = f"{key[1:]} {key[3:]}" if kind == "phone" else _words(value)
        yield _document(contact, id, "contact_point.value", 1, text)
    for id, _system, _entity, key, contact, *_ in refs:
        yield _document(contact, id, "external_ref.key", 1, _words(key))


def _document(record: str, source: str, field: str, weight: int, text: str) -> tuple[Any, ...]:
    return ("contact", record, source, field, weight, text[:32], text)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(_fold(text)))


def _fold(text: str) -> str:
    import unicodedata

    if not text.isascii():
        text = "".join(
            mark for mark in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(mark)
        )
    return " ".join(text.casefold().split())


def _mail_key(text: str) -> str:
    from email_validator import validate_email

    return validate_email(text, check_deliverability=False, test_environment=True).normalized.casefold()


def _phone_key(text: str) -> str:
    import phonenumbers

    number = phonenumbers.parse(text, "GB")
    if not phonenumbers.is_possible_number(number):
        raise ValueError(text)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def contact_json(head: tuple[Any, ...]) -> str:
    id, name, _, first, _, last, _, source, _, owner, unit, *_ = head
    texts = {"id": id, "name": name, "first_name": first, "last_name": last, "source": source}
    return orjson.dumps({**texts, "owner_id": owner, "unit_id": unit}).decode()


def point_json(point: tuple[Any, ...]) -> str:
    names = ("id", "contact_id", "kind", "value", "key", "preferred", "valid", "consent")
    return orjson.dumps(dict(zip(names, point, strict=False))).decode()
