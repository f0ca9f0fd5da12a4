"""Reports: groups, periods and measures, of what may be read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs
import pytest
from sqlalchemy import bindparam, select

from opencrm import (
    CRM,
    Create,
    Deal,
    Equal,
    FieldRule,
    InputError,
    Money,
    Move,
    Product,
    Report,
    Role,
    TooManyRows,
    Update,
    pipelines,
    records,
    reports,
)
from opencrm.core.columns import InstantColumn
from opencrm.services.analysing import recounting
from opencrm.services.analysing.measures import Conversion
from opencrm.storage.periods import cut, day_of
from opencrm.testing import make_deal


def rows(crm: CRM, who, *asked, **more):
    """Return the rows of a report on deals."""
    with crm.read(who) as reader:
        return reports.run(reader, Report(Deal, *asked, **more)).rows


def closed(crm, firm, *instants):
    """Store a won deal for each instant at which it closed."""
    with crm.work(firm.owner) as work:
        ids = work.new_ids(len(instants))
        work.tx.insert(Deal.__table__, [_won(id, at) for id, at in zip(ids, instants, strict=True)])
    recounting.recount(crm.workspace, crm.configuration, Deal.spec)


def _won(id, at):
    texts = {"title": "D", "title_key": "d", "amount_from": "hand", "pipeline": "windows", "stage": "won"}
    return {**texts, "id": id, "closed_at": at, "created_at": at, "updated_at": at, "version": 1}


@pytest.fixture
def deals(crm, firm):
    """Five deals of three people."""
    made = [
        (firm.seller, "new", "1 EUR", "web"),
        (firm.seller, "won", "3 EUR", "WEB"),
        (firm.fitter, "won", "2 USD", "fair"),
        (firm.fitter, "lost", None, None),
        (firm.stranger, "lost", "9 EUR", "web"),
    ]
    with crm.work(firm.owner) as work:
        for owner, stage, money, source in made:
            amount, _, currency = (money or "").partition(" ")
            values = {"title": "D", "owner_id": owner.id, "stage": stage, "source": source, "amount": amount or None}
            records.create(work, [Create(Deal, values=values | ({"currency": currency} if currency else {}))])


def test_a_report_groups_by_a_field(crm, firm, deals):
    """Stages in their pipeline's order; money by currency; conversion tells the won of the closed and of all."""
    found = rows(crm, firm.owner, "stage", ("count", "sum:amount", "average:amount", "conversion"))
    eur, usd = (lambda number, code=code: Money(Decimal(number), code) for code in ("EUR", "USD"))
    assert found == (
        ("new", 1, (eur(1),), (eur(1),), Conversion(0, 0, 1)),
        ("won", 2, (eur(3), usd(2)), (eur(3), usd(2)), Conversion(2, 2, 2)),
        ("lost", 2, (eur(9),), (eur(9),), Conversion(0, 2, 2)),
    )


def test_texts_that_differ_in_case_are_one_group(crm, firm, deals):
    """And what is empty is a group of its own, the last."""
    found = rows(crm, firm.owner, "source", "count")
    assert [(source and source.lower(), number) for source, number in found] == [("fair", 1), ("web", 3), (None, 1)]


def test_a_report_without_groups_has_one_row(crm, firm, deals):
    """Of nothing, too."""
    assert rows(crm, firm.head, (), ("count", "conversion")) == ((4, Conversion(2, 3, 4)),)
    assert rows(crm, firm.head, (), ("count", "sum:amount"), where=Equal("source", "none")) == ((0, ()),)
    assert rows(crm, firm.stranger, (), "average:amount") == (((Money(Decimal(9), "EUR"),),),)


def test_everybody_has_a_report_of_their_own(crm, firm, deals):
    """The scope is within the statement."""
    assert rows(crm, firm.stranger, "stage") == (("lost", 1),)
    assert rows(crm, firm.seller, "stage") == (("new", 1), ("won", 1))


@pytest.mark.parametrize(
    "period, first",
    [
        ("day", date(2026, 3, 31)),
        ("week", date(2026, 3, 30)),
        ("month", date(2026, 3, 1)),
        ("quarter", date(2026, 1, 1)),
        ("year", date(2026, 1, 1)),
    ],
)
def test_an_instant_is_grouped_by_its_period_in_the_workspaces_zone(crm, firm, period, first):
    """London has summer time on 31 March: the day ends an hour before UTC's."""
    before, after = datetime(2026, 3, 31, 22, 59, tzinfo=UTC), datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
    closed(crm, firm, before, after)
    found = rows(crm, firm.owner, f"closed_at:{period}")
    same = period in ("week", "year")
    assert found == (((first, 2),) if same else ((first, 1), (_next(period), 1)))


def _next(period):
    return date(2026, 4, 1)


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "Africa/Casablanca", "Atlantic/Azores"]
)
def test_days_and_months_are_right_in_every_zone(crm, firm, zone):
    """Each hour around the ends of a month, in winter and in summer, as the zone's own calendar has it."""
    hours = [
        datetime(2026, month, day, hour, 29, tzinfo=UTC) for month in (1, 7) for day in (1, 31) for hour in range(24)
    ]
    for to in ("day", "month"):
        with crm.read(firm.owner) as reader:
            for at in hours:
                inner = select(bindparam("at", type_=InstantColumn()).label("at")).subquery()
                [[text]] = reader.tx.select(
                    ("cut", to, zone),
                    lambda inner=inner, to=to: select(cut(inner.c.at, to, zone).label("cut")),
                    {"at": at},
                )
                local = at.astimezone(ZoneInfo(zone)).date()
                found = day_of(text, zone)
                assert (found if to == "day" else found.replace(day=1)) == (
                    local if to == "day" else local.replace(day=1)
                ), (at, text)


def test_a_date_is_grouped_by_day_and_by_period(crm, firm):
    """Without a zone."""
    for day in ("2026-01-31", "2026-02-01", None):
        make_deal(crm, expected_close=day)
    assert rows(crm, firm.owner, "expected_close") == ((date(2026, 1, 31), 1), (date(2026, 2, 1), 1), (None, 1))
    assert rows(crm, firm.owner, "expected_close:year") == ((date(2026, 1, 1), 2), (None, 1))


def test_conversion_by_stage_counts_each_record_where_it_has_been(crm, firm):
    """Of what ever entered a stage, how much was won in the end; a second visit counts once."""
    with crm.work(firm.owner) as work:
        one, two = (it.record_id for it in records.create(work, [Create(Deal, title=title) for title in "ab"]))
        for to in ("measuring", "offer", "measuring", "offer", "won"):
            pipelines.move(work, [Move(Deal, one, to=to)])
        pipelines.move(work, [Move(Deal, two, to="lost")])
    assert rows(crm, firm.owner, "stage:entered", ("count", "conversion")) == (
        ("new", 2, Conversion(1, 2, 2)),
        ("measuring", 1, Conversion(1, 1, 1)),
        ("offer", 1, Conversion(1, 1, 1)),
        ("won", 1, Conversion(1, 1, 1)),
        ("lost", 1, Conversion(0, 1, 1)),
    )
    assert Conversion(1, 3, 4).win_rate == Decimal("0.3333")
    assert Conversion(1, 3, 4).rate == Decimal("0.2500")
    assert Conversion(0, 0, 4).win_rate is Conversion(0, 0, 0).rate is None


def test_plain_numbers_are_added_up_without_a_currency(crm, firm):
    """Of another entity than deals, too."""
    with crm.read(firm.owner) as reader:
        found = reports.run(reader, Report("role", (), ("sum:rank", "average:rank"))).rows
        ranks = [row.rank for row in reader.stream(_roles())]
    assert found == ((sum(ranks), round(Decimal(sum(ranks)) / len(ranks), 4)),)


def _roles():
    from opencrm import Query

    return Query(Role)


@pytest.mark.parametrize(
    "asked",
    [
        ("nonsense",),
        ("amount",),
        ("description",),
        ("id",),
        ("closed_at",),
        ("closed_at:hour",),
        ("stage:month",),
        ("stage:nonsense",),
        (("stage", "source", "owner_id"),),
        ("stage", ()),
        ("stage", "sum"),
        ("stage", "sum:title"),
        ("stage", "sum:nonsense"),
        ("stage", "most:amount"),
        ("stage", "count:amount"),
    ],
)
def test_what_cannot_be_asked_of_a_report_is_refused(crm, firm, asked):
    """With the word that was wrong."""
    with pytest.raises(InputError):
        rows(crm, firm.owner, *asked)


def test_an_entity_without_stages_has_no_conversion(crm, firm):
    """Products are not won."""
    with crm.read(firm.owner) as reader, pytest.raises(InputError):
        reports.run(reader, Report(Product, (), "conversion"))


def test_a_report_has_a_largest_size(crm, firm, deals, monkeypatch):
    """Whether the groups are many for SQL or for the answer."""
    monkeypatch.setattr(reports, "MOST_ROWS", 2)
    with pytest.raises(TooManyRows) as refused:
        rows(crm, firm.owner, "stage")
    assert refused.value.code == "too_many_rows"
    monkeypatch.setattr(reports, "_MOST_READ", 1)
    with pytest.raises(TooManyRows):
        rows(crm, firm.owner, "stage")


@pytest.mark.parametrize(
    "hidden, asked",
    [
        ("source", ("source",)),
        ("amount", ((), "sum:amount")),
        ("currency", ((), "sum:amount")),
        ("stage", ((), "conversion")),
        ("pipeline", ("stage:entered",)),
    ],
)
def test_a_hidden_field_is_neither_grouped_nor_added_up(crm, firm, deals, hidden, asked):
    """It does not exist."""
    rule = attrs.asdict(FieldRule("deal", hidden, read=False, write=False))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_head"], field_rules=[rule])])
    with pytest.raises(InputError):
        rows(crm, firm.head, *asked)


def test_a_report_is_one_statement(crm, firm, deals, statements):
    """Whatever it groups by."""
    for asked in (("stage", "closed_at:month"), ("stage:entered", "owner_id")):
        with crm.read(firm.head) as reader:
            statements.clear()
            reports.run(reader, Report(Deal, asked, ("count", "sum:amount", "conversion")))
            assert len(statements) == 1


def test_the_log_of_stages_is_read_of_visible_records_only(crm, firm, deals):
    """Each deal of these entered one stage."""
    with crm.read(firm.stranger) as reader:
        assert reports.run(reader, Report(Deal, "stage:entered")).rows == (("lost", 1),)
