"""Rules tried against much past: page by page the same as line by line, and said where it is not all."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from tests.services.process.definitions.pasts import EVENTS, MONTH, heard, let, live, make, rule, stood
from tests.services.process.definitions.texts import REPAIRS, Apply

from opencrm import CRM
from opencrm.services.process.overseeing import rehearsing
from opencrm.services.process.overseeing.pasts import Stretch, happened
from opencrm.services.process.overseeing.rewinding import LAST, Rewinder
from opencrm.storage import tables
from opencrm.testing import Firm, make_contact, make_deal


@pytest.fixture
def repairs(apply: Apply) -> None:
    """Deals are repaired."""
    apply("pipelines", REPAIRS)


@pytest.fixture
def lived(crm: CRM, firm: Firm, repairs: None) -> None:
    """Two days have passed in which much happened."""
    live(crm, firm)


@pytest.mark.parametrize("event", EVENTS)
def test_pages_tell_the_same_as_line_by_line(crm: CRM, firm: Firm, rows: Any, lived: None, event: str) -> None:
    """Whatever the size of a page, each event comes once, the newest first, with its record as it stood then."""
    lines, sent = rows(tables.journal), rows(tables.submission)
    with crm.read(firm.owner) as reader:
        expected = heard(reader, event, lines, sent)
        assert len(expected) > 2
        for page in (1, 3, 500):
            past = Stretch(reader.now - MONTH, page=page)
            found = [(it.state["id"], it.at, it.state) for it in happened(reader, rule(event), past)]
            assert found == expected[::-1]
            assert past.only_since is None


def test_a_record_is_rewound_from_anywhere(crm: CRM, firm: Firm, rows: Any, lived: None) -> None:
    """Asked for in any order, with little kept and few lines read at a time, it stands as its own lines say."""
    places = [(it["record_id"], it["id"]) for it in rows(tables.journal) if it["entity"] == "deal"]
    chance = Random(3)
    with crm.read(firm.owner) as reader:
        deal = reader.entity("deal")
        expected = {place: stood(reader, "deal", *place) for place in places}
        for kept, page in ((1, 1), (2, 2), (3, 50)):
            rewinder = Rewinder(reader, deal, kept=kept, page=page)
            for _ in range(40):
                wanted = chance.choices(places, k=chance.randint(1, 6))
                assert rewinder.states(wanted) == {place: expected[place] for place in wanted}
        assert rewinder.states([]) == rewinder.states([(firm.seller.id, LAST)]) == {}


@pytest.mark.parametrize("event", EVENTS)
def test_a_page_costs_the_same_however_much_it_holds(
    crm: CRM, firm: Firm, repairs: None, statements: Any, event: str
) -> None:
    """What happened is one statement, and how all of its records stood are a few."""
    costs = []
    for number in (4, 16):
        for id, gone in zip(make(crm, firm, number), make(crm, firm, number), strict=True):
            crm.advance("3h")
            for act in ("amount", "done", "move", "send"):
                let(crm, firm, act, id)
            let(crm, firm, "delete", gone)
        statements.clear()
        with crm.read(firm.owner) as reader:
            found = rehearsing.foretell(reader, rule(event), MONTH)
        assert found.heard >= number
        costs.append(len(statements))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("event", ["changed", "entered", "done", "overdue", "submitted"])
def test_of_too_much_the_newest_counts_and_it_is_said(crm: CRM, firm: Firm, lived: None, event: str) -> None:
    """What is older is left out, and the text says from when on the past was looked at."""
    with crm.read(firm.owner) as reader:
        whole = [*happened(reader, rule(event), Stretch(reader.now - MONTH))]
        past = Stretch(reader.now - MONTH, most=3, page=2)
        part = [*happened(reader, rule(event), past)]
        assert part == whole[: len(part)] != whole
        assert past.only_since is not None
        assert all(it.at >= past.only_since for it in part)
        found = rehearsing.foretell(reader, rule(event), MONTH, most_lines=3)
    assert (found.heard, found.only_since) == (len(part), past.only_since)
    since = f"{past.only_since:%Y-%m-%d %H:%M} UTC"
    assert str(found).endswith(f" UTC, counting only what came since {since}: there is too much before that")


@pytest.mark.parametrize("most, page, left_out", [(3, 500, 0), (3, 1, 0), (2, 1, 1), (1, 500, 2)])
def test_only_what_is_left_out_is_said(crm: CRM, firm: Firm, most: int, page: int, left_out: int) -> None:
    """As much as is looked at is all of it."""
    for _ in range(3):
        make_deal(crm, by=firm.seller)
        crm.advance("1h")
    with crm.read(firm.owner) as reader:
        past = Stretch(reader.now - MONTH, most=most, page=page)
        found = [*happened(reader, rule("created"), past)]
    assert len(found) == 3 - left_out
    assert past.only_since == (found[-1].at if left_out else None)


def test_what_rules_reach_is_read_once(crm: CRM, firm: Firm, statements: Any) -> None:
    """Only the occasions that are told are put into words; a record that a condition reaches is judged once."""
    one, costs = make_contact(crm, by=firm.seller), []
    given = {
        "when": {"link": "contact_id", "where": {"not": {"field": "name", "op": "empty"}}},
        "do": [{"notify": {"to": "owner", "text": "{contact.name}: {title}"}}, {"wait": "1d"}],
    }
    for number in (3, 20):
        for at in range(number):
            make_deal(crm, by=firm.seller, contact_id=one.id, title=f"Deal {at}")
            crm.advance("1m")
        statements.clear()
        with crm.read(firm.owner) as reader:
            found = rehearsing.foretell(reader, rule("created", **given), MONTH, most=2)
        costs.append(len(statements))
        assert [it.record for it in found.occasions] == ["Deal 0", "Deal 1"]
        assert found.occasions[0].actions[0].endswith(": Deal 0")
    assert costs[0] == costs[1]
    assert (found.times, found.things) == (23, 46)
