"""Binding: what was written becomes few operators with typed values, of fields that may be read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import attrs
import pytest

from opencrm.core.conditions import (
    FALSE,
    All,
    AnyOf,
    AtLeast,
    AtMost,
    Between,
    Changed,
    Contains,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Less,
    Link,
    Not,
    StartsWith,
    bind,
    operators_of,
    timely,
)
from opencrm.core.entities import Deal
from opencrm.core.fields import (
    Amount,
    Choice,
    Choices,
    Currency,
    Day,
    Email,
    Field,
    Instant,
    Key,
    Number,
    Phone,
    RecordId,
    Reference,
    Text,
    Whole,
    YesNo,
)
from opencrm.core.fields import Link as WebLink
from opencrm.core.locale import Locale
from opencrm.errors import InputError

DEAL = Deal.spec
UUID = "0190c7a4-0000-7000-8000-00000000000f"
OPTIONS = {"a": "A", "b": "B"}
MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)
"""The first instants of March and of April, in Berlin."""

ALL_TYPES = {
    "text": Text(100, folded=True),
    "key": Key(),
    "email": Email(),
    "phone": Phone("GB"),
    "whole": Whole(),
    "number": Number(),
    "amount": Amount(),
    "currency": Currency(),
    "day": Day(),
    "instant": Instant(),
    "choice": Choice(OPTIONS),
    "choices": Choices(OPTIONS),
    "yes": YesNo(),
    "ref": Reference("company"),
    "one": RecordId(),
    "long": Text(2000, lines=True),
    "web": WebLink(),
}
SPEC = attrs.evolve(DEAL, fields={name: Field(name=name, type=kind, label=name) for name, kind in ALL_TYPES.items()})
VALUE = {
    "text": "x",
    "key": "x",
    "email": "a@example.com",
    "phone": "+442071838750",
    "whole": "1",
    "number": "1",
    "amount": "1",
    "currency": "EUR",
    "day": "2026-03-02",
    "instant": "2026-03-02T09:00:00Z",
    "choice": "a",
    "choices": "a",
    "yes": "true",
    "ref": UUID,
    "one": UUID,
    "long": "x",
    "web": "example.com",
}
NODES = {
    "equal": Equal,
    "less": Less,
    "at_most": AtMost,
    "greater": Greater,
    "at_least": AtLeast,
    "between": lambda name, value: Between(name, value, value),
    "in": lambda name, value: In(name, [value]),
    "contains": Contains,
    "starts_with": StartsWith,
    "has": lambda name, value: Has(name, [value]),
    "empty": lambda name, _: Empty(name),
    "changed": lambda name, _: Changed(name, "-7d"),
}


def bound(item, asker, spec=DEAL, readable=None):
    return bind(item, spec, spec.fields if readable is None else readable, Locale(), asker)


def refused(item, asker, **given):
    with pytest.raises(InputError) as error:
        bound(item, asker, **given)
    return error.value.fields


@pytest.mark.parametrize("operator", NODES)
@pytest.mark.parametrize("name", ALL_TYPES)
def test_a_type_has_its_operators_and_no_others(asker, name, operator):
    """One that it does not have is refused, naming the field and the operators that it has."""
    item = NODES[operator](name, VALUE[name])
    known = (*operators_of(ALL_TYPES[name]), "empty", "changed")
    if operator in known:
        bound(item, asker, SPEC)
    else:
        [[text]] = refused(item, asker, spec=SPEC).values()
        assert text == f"cannot be asked for {operator}: it has {', '.join(known)}"


@pytest.mark.parametrize("name", ["id", "created_at", "created_by", "updated_at"])
def test_of_what_never_changes_nobody_asks_for_changes(asker, name):
    """The journal does not tell of them."""
    assert "has" in refused(Changed(name, "-7d"), asker)[name][0]


@pytest.mark.parametrize(
    "written, wanted",
    [
        (Between("title", "A", "b "), All([AtLeast("title", "a"), AtMost("title", "b")])),
        (
            Between("amount", 1, "2 EUR"),
            All(
                [
                    All([AtLeast("amount", Decimal("1.00")), Equal("currency", "EUR")]),
                    All([AtMost("amount", Decimal("2.00")), Equal("currency", "EUR")]),
                ]
            ),
        ),
        (
            In("amount", [1, "2", "3 USD"]),
            AnyOf(
                [
                    All([In("amount", [Decimal("1.00"), Decimal("2.00")]), Equal("currency", "EUR")]),
                    All([In("amount", [Decimal("3.00")]), Equal("currency", "USD")]),
                ]
            ),
        ),
        (In("amount", []), FALSE),
        (StartsWith("title", " Äpf"), All([AtLeast("title", "apf"), Less("title", "apg")])),
        (StartsWith("stage", "a\ud7ff"), All([AtLeast("stage", "a\ud7ff"), Less("stage", "a\ue000")])),
        (StartsWith("stage", "a\U0010ffff"), All([AtLeast("stage", "a\U0010ffff"), Less("stage", "b")])),
        (StartsWith("stage", "\U0010ffff"), AtLeast("stage", "\U0010ffff")),
        (Contains("title", " 50%_\\ Straße"), Contains("title", "50%_\\ strasse")),
        (Equal("expected_close", "today"), Equal("expected_close", date(2026, 3, 2))),
        (AtMost("expected_close", "this_month"), Less("expected_close", date(2026, 4, 1))),
        (Less("expected_close", "this_month"), Less("expected_close", date(2026, 3, 1))),
        (Greater("expected_close", "this_month"), AtLeast("expected_close", date(2026, 4, 1))),
        (AtLeast("expected_close", "this_month"), AtLeast("expected_close", date(2026, 3, 1))),
        (Equal("closed_at", "this_month"), All([AtLeast("closed_at", MARCH[0]), Less("closed_at", MARCH[1])])),
        (
            Not(Equal("closed_at", "this_month")),
            Not(All([AtLeast("closed_at", MARCH[0]), Less("closed_at", MARCH[1])])),
        ),
        (
            Between("closed_at", "2026-03-01", date(2026, 3, 31)),
            All([AtLeast("closed_at", MARCH[0]), Less("closed_at", MARCH[1])]),
        ),
        (AtLeast("closed_at", "-30d"), AtLeast("closed_at", datetime(2026, 1, 31, 9, tzinfo=UTC))),
        (AtLeast("closed_at", " 2h"), AtLeast("closed_at", datetime(2026, 3, 2, 11, tzinfo=UTC))),
        (
            In("closed_at", ["now", "this_month"]),
            AnyOf(
                [
                    In("closed_at", [datetime(2026, 3, 2, 9, tzinfo=UTC)]),
                    All([AtLeast("closed_at", MARCH[0]), Less("closed_at", MARCH[1])]),
                ]
            ),
        ),
        (Changed("stage", "this_month"), Changed("stage", MARCH[0])),
        (Changed("stage", "2026-03-01"), Changed("stage", MARCH[0])),
        (Equal("title", "today"), Equal("title", "today")),
        (Equal("title", "me"), Equal("title", "me")),
        (Equal("pipeline", "my_units"), Equal("pipeline", "my_units")),
    ],
)
def test_what_was_written_becomes_few_operators(asker, written, wanted):
    """Ranges where an index can find them; words mean something only where the field's type gives them meaning."""
    assert bound(written, asker) == wanted


def test_me_and_my_units(asker):
    """The person who asks, by id or as the journal names them; and where they have a place."""
    assert bound(Equal("owner_id", "me"), asker) == Equal("owner_id", asker.user_id)
    assert bound(Equal("created_by", "me"), asker) == Equal("created_by", asker.name)
    assert bound(In("owner_id", ["me", UUID]), asker) == In("owner_id", [asker.user_id, UUID])
    assert bound(Equal("unit_id", "my_units"), asker) == In("unit_id", asker.units)
    assert bound(In("unit_id", ["my_units", UUID]), asker) == In("unit_id", [*asker.units, UUID])


def test_nobody_is_me_where_no_person_asks(asker):
    """The system's own records, if it had some, are not a person's."""
    machine = attrs.evolve(asker, user_id=None, units=())
    assert bound(Equal("owner_id", "me"), machine) == FALSE
    assert bound(In("owner_id", ["me"]), machine) == In("owner_id", [])
    assert bound(Equal("unit_id", "my_units"), machine) == FALSE


class TestPaths:
    """What is asked of the record that a reference leads to."""

    def test_a_path_is_a_link_to_what_may_be_read(self, asker):
        """Whatever the linked record must meet to be there at all is a part of it."""
        scoped = attrs.evolve(asker, scope=lambda spec: Equal("owner_id", UUID))
        wanted = Link("company_id", "company", All([Equal("city", "riga"), Equal("owner_id", UUID)]))
        for path in ("company.city", "company_id.city"):
            assert bound(Equal(path, "Rīga"), scoped) == wanted
        assert bound(Link("company", "", Equal("city", "Rīga")), scoped) == wanted

    def test_what_is_not_there_is_empty(self, asker):
        """A deal without a company has no company with a city."""
        link = Link("company_id", "company", Not(Empty("city")))
        assert bound(Empty("company.city"), asker) == Not(link)
        assert bound(Not(Empty("company.city")), asker) == Not(Not(link))

    def test_words_mean_the_same_there(self, asker):
        assert bound(Equal("contact.owner_id", "me"), asker).item == Equal("owner_id", asker.user_id)
        assert bound(AtLeast("contact.created_at", "now"), asker).item == AtLeast("created_at", asker.now)

    @pytest.mark.parametrize(
        "path, text",
        [
            ("company.parent.city", "goes more than one step"),
            ("company..city", "goes more than one step"),
            ("company.", "company has no such field"),
            ("company.colour", "company has no such field"),
            ("company.website", "company has no such field"),
            (".city", "deal has no such field"),
            (".", "deal has no such field"),
            ("colour.city", "deal has no such field"),
            ("title.city", "title refers to no record"),
            ("record_id.city", "deal has no such field"),
        ],
    )
    def test_other_paths_lead_nowhere(self, asker, path, text):
        """An error names the path as it was written."""
        assert refused(Equal(path, "x"), asker) == {path: [text]}

    def test_two_steps_are_two_in_a_tree_too(self, asker):
        wrong = Link("company", "", Link("parent_id", "", Empty("city")))
        assert refused(wrong, asker) == {"company.parent_id": ["goes more than one step"]}

    def test_a_reference_that_may_not_be_read_is_none(self, asker):
        """It is answered as one that is not there."""
        hidden = set(DEAL.fields) - {"company_id"}
        for path in ("company.city", "company_id.city"):
            unknown = refused(Equal(path.replace("company", "colours"), "x"), asker, readable=hidden)
            assert list(refused(Equal(path, "x"), asker, readable=hidden).values()) == list(unknown.values())

    def test_a_value_is_judged_under_its_path(self, asker):
        assert refused(Equal("company.founded", "x"), asker) == {"company.founded": ["must be a whole number"]}
        assert list(refused(Contains("company.founded", "1"), asker)) == ["company.founded"]


@pytest.mark.parametrize("item", [Equal("amount", 1), Changed("amount", "-1d"), Empty("amount"), Contains("amount", 1)])
def test_a_field_that_may_not_be_read_is_none(asker, item):
    """The same words, whatever is asked of it; before it is told which operators it has."""
    hidden = set(DEAL.fields) - {"amount"}
    unknown = refused(attrs.evolve(item, field="colour"), asker, readable=hidden)
    assert refused(item, asker, readable=hidden) == {"amount": unknown["colour"]}


def test_an_amount_whose_currency_may_not_be_read_is_not_compared(asker):
    """The comparison would tell of the currency."""
    hidden = set(DEAL.fields) - {"currency"}
    for item in (Equal("amount", 1), In("amount", [1]), Between("amount", 1, 2)):
        assert refused(item, asker, readable=hidden) == {
            "amount": ["cannot be compared, since its currency may not be read"]
        }
    bound(Empty("amount"), asker, readable=hidden)


@pytest.mark.parametrize(
    "item",
    [
        Equal("expected_close", "soon"),
        Equal("expected_close", None),
        Equal("expected_close", "-999999y"),
        Equal("closed_at", "2026-02-30"),
        Equal("closed_at", "2026-03-02T09:00"),
        Equal("closed_at", None),
        Changed("stage", "lately"),
        Changed("stage", 7),
        Equal("title", ""),
        Equal("title", None),
        Equal("title", "a\x00b"),
        Equal("title", "\ud800"),
        Equal("stage", "\udfff"),
        Contains("title", ""),
        Contains("title", " "),
        Contains("title", "\u0301"),
        Contains("title", 7),
        Contains("title", None),
        Contains("title", "x" * 401),
        Contains("title", "a\x00b"),
        StartsWith("title", "\ud800"),
        StartsWith("stage", ""),
        In("stage", ["new", None]),
        In("closed_at", [f"-{day}d" for day in range(10)] + ["2026-03-02"] * 101),
        Between("amount", 1, "much"),
    ],
)
def test_what_cannot_be_compared_is_refused(asker, item):
    """Under the field's name."""
    assert list(refused(item, asker)) == [item.field]


@pytest.mark.parametrize("option", ["c", "", None, 7, ["a", "b"]])
def test_an_option_that_is_none_is_refused(asker, option):
    assert list(refused(Has("choices", [option]), asker, spec=SPEC)) == ["choices"]


def test_without_an_asker_there_is_nothing_relative(asker):
    """Neither days nor paths; what is absolute is compared as ever."""
    for item in (Equal("expected_close", "today"), Equal("company.city", "x"), Equal("closed_at", "2026-03-02")):
        assert list(refused(item, None)) == [item.field]
    assert bound(Equal("expected_close", "2026-03-02"), None) == Equal("expected_close", date(2026, 3, 2))


def nested(depth, field="title"):
    item = Empty(field)
    for _ in range(depth - 1):
        item = Not(item)
    return item


@pytest.mark.parametrize(
    "fits, large",
    [
        (nested(17), nested(18)),
        (nested(17), nested(10_000)),
        (All([Empty("title")] * 400), All([Empty("title")] * 401)),
        (In("stage", ["x"] * 2000), In("stage", ["x"] * 2001)),
        (All([Equal("company.city", "x")] * 20), All([Equal("company.city", "x")] * 21)),
        (All([Between("amount", 1, 2)] * 200), All([Between("amount", 1, 2)] * 201)),
        (AnyOf([Changed("stage", "-1d")] * 20), AnyOf([Changed("stage", "-1d")] * 21)),
        (Link("company", "", nested(16, "name")), Link("company", "", nested(17, "name"))),
    ],
)
def test_what_is_bound_is_bounded(asker, fits, large):
    """Twice what may be written: a saved condition, and what is asked on top of it."""
    bound(fits, asker)
    assert list(refused(large, asker)) == ["where"]


@pytest.mark.parametrize(
    "item, answer",
    [
        (Equal("closed_at", "-7d"), True),
        (All([Not(In("closed_at", ["2026-03-02", "this_month"]))]), True),
        (Between("closed_at", "2026-03-02", "now"), True),
        (Link("company", "", Equal("created_at", "today")), True),
        (Changed("stage", "2026-03-02"), True),
        (Equal("closed_at", "2026-03-02"), False),
        (All([Empty("title"), Equal("owner_id", "me"), Contains("title", "x")]), False),
    ],
)
def test_what_depends_on_the_time_is_known(item, answer):
    """Rights that hold such a condition are not kept."""
    assert timely(item) is answer
