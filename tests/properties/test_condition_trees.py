"""Condition trees over a record with a field of each type: SQL and Python give one answer, on both databases."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Mapped

from opencrm import (
    All,
    Amount,
    AnyOf,
    Choice,
    Company,
    Create,
    Currency,
    Day,
    Email,
    Empty,
    Entity,
    Equal,
    Greater,
    In,
    Instant,
    Key,
    Less,
    Not,
    Number,
    Options,
    Owned,
    Query,
    Reference,
    Text,
    Update,
    Whole,
    YesNo,
    field,
    hookimpl,
    records,
)
from opencrm.core.conditions import (
    AtLeast,
    AtMost,
    Between,
    Changed,
    Contains,
    Has,
    Link,
    StartsWith,
    bind,
    condition,
    operators,
    plain,
    predicate,
)
from opencrm.core.fields import Choices, Phone

OPTIONS = {key: key.upper() for key in ("a", "b", "c", "%", "a b", "ä")}


class Base(Entity, prefix="visits"):
    """Every entity of the plugin."""


class Visit(Owned, Base):
    """A record with a field of each type that can be compared."""

    options = Options(display="title")

    title: Mapped[str | None] = field(Text(300, folded=True))
    notes: Mapped[str | None] = field(Text(2000, lines=True))
    code: Mapped[str | None] = field(Key())
    mail: Mapped[str | None] = field(Email())
    phone: Mapped[str | None] = field(Phone("GB"))
    kind: Mapped[str | None] = field(Choice(OPTIONS))
    topics: Mapped[tuple[str, ...] | None] = field(Choices(OPTIONS))
    people: Mapped[int | None] = field(Whole())
    weight: Mapped[Decimal | None] = field(Number())
    price: Mapped[Decimal | None] = field(Amount())
    currency: Mapped[str | None] = field(Currency())
    day: Mapped[date | None] = field(Day())
    at: Mapped[datetime | None] = field(Instant())
    paid: Mapped[bool | None] = field(YesNo())
    company_id: Mapped[str | None] = field(Reference(Company))


class Visits:
    """The plugin that brings it."""

    @hookimpl
    def opencrm_register_entities(self):
        yield Visit


SPEC = Visit.spec
ODD = ["%", "_", "\\", "50%", "5_%", "a\\b", "a%b", "\U0010ffff", "\ud7ff\U0001f600", "[a]", "*", "?", "'", '"', "a''b"]
TEXTS = ["Ähre", "ahre", "Straße", "STRASSE", "ＺＯＯ", "Ω", "é", "ﬁ", "a b", "a  b ", "50% off", *ODD]
NUMBERS = ["-1", "0", "0.01", "1", "99.99", "1000"]
CLOCKS = datetime(2026, 3, 29, 1, tzinfo=UTC)
"""When the clocks of London are put forward, a day before the test asks."""
INSTANTS = [CLOCKS + timedelta(minutes=each) for each in (-1560, -1441, -61, -60, -1, 0, 1, 60, 1379, 1380, 1440, 1500)]
RELATIVE = [
    "now",
    "today",
    "yesterday",
    "tomorrow",
    "-1d",
    "-24h",
    "-2d",
    "+1h",
    "this_week",
    "last_week",
    "this_month",
]
DAYS = ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"]
MAILS = ["ann@example.com", "bob@example.org", "a_b@example.com"]
PHONES = ["+442071838750", "020 7183 8751", "+4930123456"]
HELD: dict[str, list[Any]] = {
    "title": [*TEXTS, "x" * 300, "ﷺ" * 20],
    "notes": TEXTS,
    "code": [*ODD, "A", "a", "ab", "aB"],
    "mail": MAILS,
    "phone": PHONES,
    "kind": list(OPTIONS),
    "topics": [["a"], ["a", "b"], ["%", "ä"], ["a b"], ["c", "b"]],
    "people": [-1, 0, 1, 7, 2**40],
    "weight": NUMBERS,
    "price": NUMBERS,
    "day": DAYS,
    "at": INSTANTS,
    "paid": [True, False],
}
NEEDLES = {
    "title": ["a", "ss", "r", *TEXTS],
    "code": ["a", "b", *ODD],
    "mail": ["EXAMPLE", "_", "a", "%"],
    "phone": ["20 7", "+44"],
}
ASKED: dict[str, list[Any]] = {
    **HELD,
    "price": [f"{number} {code}" for number in NUMBERS for code in ("EUR", "USD")],
    "currency": ["EUR", "USD"],
    "day": [*DAYS, *RELATIVE],
    "at": [*INSTANTS, *DAYS, *RELATIVE],
    "company.name": TEXTS,
    "company.city": TEXTS,
    "company.founded": [1900, 2000],
    "company.created_at": RELATIVE,
    "owner_id": ["me"],
    "company.owner_id": ["me"],
    "unit_id": ["my_units"],
    "created_by": ["me"],
}


def _field_of(name):
    head, _, tail = name.partition(".")
    return Company.spec.fields[tail] if tail else SPEC.fields[head]


@st.composite
def leaves(draw):
    name = draw(st.sampled_from([*ASKED, "company_id"]))
    operator = draw(st.sampled_from(["empty", "changed"] if name == "company_id" else operators(_field_of(name))))
    value = st.sampled_from(["2026-03-01"] if name == "company_id" else ASKED[name])
    match operator:
        case "empty":
            return Empty(name)
        case "changed":
            return Changed(name, draw(st.sampled_from(["now", "-1h", "today", "-1d", "2026-03-01"])))
        case "in":
            return In(name, tuple(draw(st.lists(value, max_size=3))))
        case "has":
            return Has(name, tuple(draw(st.lists(st.sampled_from(list(OPTIONS)), max_size=2))))
        case "between":
            return Between(name, draw(value), draw(value))
        case "contains" | "starts_with":
            text = draw(st.sampled_from(NEEDLES.get(name, TEXTS)))
            return Contains(name, text) if operator == "contains" else StartsWith(name, text)
    nodes = {"equal": Equal, "less": Less, "at_most": AtMost, "greater": Greater, "at_least": AtLeast}
    return nodes[operator](name, draw(value))


def trees(leaf):
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, max_size=3).map(lambda items: All(tuple(items))),
            st.lists(inner, max_size=3).map(lambda items: AnyOf(tuple(items))),
        ),
        max_leaves=6,
    )


INNER = st.sampled_from(["name", "city", "founded"]).map(Empty) | st.sampled_from(TEXTS).map(
    lambda it: Equal("city", it)
)
TREES = trees(leaves() | trees(INNER).map(lambda item: Link("company", "", item)))


@pytest.fixture
def crm_plugins():
    return [Visits()]


@pytest.fixture
def filled(crm, firm):
    """Visits that differ in everything, gaps included; of two people, to companies of whom each sees some."""
    chance = random.Random(7)
    crm.clock.advance(CLOCKS + timedelta(hours=21) - crm.clock.now())
    with crm.work(firm.owner) as work:
        companies = [line.record_id for line in records.create(work, [_company(firm, at) for at in range(8)])]
        made = records.create(work, [_visit(firm, chance, companies) for _ in range(60)])
    crm.clock.advance(timedelta(hours=14))
    with crm.work(firm.owner) as work:
        for line in made[::3]:
            name = chance.choice(["title", "people", "topics", "company_id"])
            value = chance.choice(companies if name == "company_id" else [None, *HELD[name]])
            records.update(work, [Update(Visit, line.record_id, values={name: value})])
    return crm


def _company(firm, at):
    city = (None, *TEXTS)[at % 5]
    owner = (firm.seller, firm.stranger)[at % 2].id
    return Create(Company, name=TEXTS[at], city=city, founded=(None, 1900, 2000)[at % 3], owner_id=owner)


def _visit(firm, chance, companies):
    values = {name: chance.choice([None, *several]) for name, several in HELD.items()}
    values["currency"] = None if values["price"] is None else chance.choice(["EUR", "USD"])
    values["company_id"] = chance.choice([None, *companies])
    values["owner_id"] = chance.choice([firm.seller, firm.owner]).id
    return Create(Visit, values=values)


@settings(max_examples=150)
@given(where=TREES, who=st.sampled_from(["owner", "seller"]))
def test_sql_and_python_agree_and_not_is_the_complement(filled, firm, where, who):
    """The rows that the database finds are those for which the function says yes; `Not` finds all others."""
    with filled.read(getattr(firm, who)) as reader:
        rights, locale = reader.rights, reader.configuration.locale
        bound = bind(where, SPEC, rights.readable(SPEC), locale, rights.asker(reader.now))
        test = predicate(bound, SPEC, reader.linked, reader.told)
        every = reader.list(Query(Visit, limit=100)).rows
        found = {row.id for row in reader.list(Query(Visit, where=where, limit=100))}
        others = {row.id for row in reader.list(Query(Visit, where=Not(where), limit=100))}
        assert found == {row.id for row in every if test(row.values())}
        assert found | others == {row.id for row in every}
        assert not found & others


@given(where=TREES)
def test_a_condition_survives_json(where):
    """What is written and read again is the same tree, once values are in the form of JSON."""
    written = plain(where)
    assert plain(condition(written)) == written
