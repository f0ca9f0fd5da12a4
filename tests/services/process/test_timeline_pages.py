"""The pages of a timeline: over all that it is made of, nothing is lost and nothing doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from opencrm import (
    CRM,
    Activity,
    Company,
    Create,
    Deal,
    InputError,
    Move,
    Pipeline,
    Principal,
    Role,
    Stage,
    Update,
    hookimpl,
    pipelines,
    records,
)
from opencrm.embed import Happening, timeline
from opencrm.storage import tables
from opencrm.testing import Firm, make_company, make_deal

AGED = (tables.notification, tables.run, tables.submission)


class Two:
    """A plugin with two pipelines, of which one leads to the other."""

    name = "two"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("first", [Stage("new"), Stage("ready")], moves={("new", "ready"), ("ready", "second.new")})
        yield Pipeline("second", [Stage("new"), Stage("won", kind="won")], moves={("new", "won")})


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Two()]


def pages(crm: CRM, who: Principal, id: str, limit: int, between: Callable[[], object] = int) -> list[list[Happening]]:
    """Read page after page, in a transaction each, and do something between two."""
    found: list[list[Happening]] = []
    cursor = None
    while not found or cursor is not None:
        with crm.read(who) as reader:
            page = timeline(reader, Deal, id, limit=limit, cursor=cursor)
        found.append([*page])
        cursor = page.next
        between()
    return found


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, values=values)])


def note(crm: CRM, firm: Firm, id: str, number: int) -> None:
    with crm.work(firm.seller) as work:
        records.create(work, [Create(Activity, subject=f"Note {at}", deal_id=id) for at in range(number)])


@pytest.fixture
def long(crm: CRM, firm: Firm) -> str:
    """A deal of more than 1,200 lines, many of one instant, and some whose ids do not ascend with their instants."""
    id = str(make_deal(crm, by=firm.seller, pipeline="first").id)
    note(crm, firm, id, 450)
    for at in range(150):
        crm.clock.advance(timedelta(seconds=at % 2))
        change(crm, firm, id, description=f"What was said {at}")
    with crm.work(firm.seller) as work:
        for table, make in zip(AGED, (told_of, run_of, sent_to), strict=True):
            work.tx.insert(table, [*make(crm, firm, id)])
    return id


def times(crm: CRM, number: int) -> Iterator[dict[str, Any]]:
    chance = Random(number)
    for one in crm.workspace.ids.many(number):
        yield {"id": one, "at": crm.clock.now() - timedelta(seconds=chance.randrange(90))}


def told_of(crm: CRM, firm: Firm, id: str) -> Iterator[dict[str, Any]]:
    same = {"entity": "deal", "record_id": id, "rule": "told", "kind": "rule", "mail": "none", "mail_attempts": 0}
    for each in times(crm, 300):
        yield {**each, **same, "user_id": firm.head.id, "text": "Look at this"}


def run_of(crm: CRM, firm: Firm, id: str) -> Iterator[dict[str, Any]]:
    same = {"rule": "ran", "automation": "ran", "entity": "deal", "record_id": id, "state": "done", "attempts": 0}
    for each in times(crm, 200):
        yield {**each, **same, "steps": [{"action": "notify", "at": each["at"].isoformat()}]}


def sent_to(crm: CRM, firm: Firm, id: str) -> Iterator[dict[str, Any]]:
    for each in times(crm, 110):
        yield {**each, "form": "lead", "values": {}, "attribution": {}, "entity": "deal", "record_id": id}


def test_nothing_is_lost_or_doubled_while_lines_are_added(crm: CRM, firm: Firm, long: str, rows: Any) -> None:
    """What came between two pages stands before both."""
    activities = {it["record_id"] for it in rows(tables.journal) if it["entity"] == "activity"}
    about = activities | {long}
    wanted = {it["id"] for table in (tables.journal, *AGED) for it in rows(table) if it["record_id"] in about}
    assert len(wanted) > 1200

    def meanwhile() -> None:
        change(crm, firm, long, title="Anew" if len(rows(tables.journal)) % 2 else "Again")
        note(crm, firm, long, 3)

    found = pages(crm, firm.owner, long, 170, meanwhile)
    lines = [line for page in found for line in page]
    assert [len(page) for page in found[:-1]] == [170] * (len(found) - 1)
    assert len({it.id for it in lines}) == len(lines)
    assert {it.id for it in lines} == wanted
    places = [(it.at, it.id) for it in lines]
    assert places == sorted(places, reverse=True)
    assert {it.kind for it in lines} >= {"created", "changed", "told", "ran", "submitted"}


def test_each_limit_gives_the_same_lines(crm: CRM, firm: Firm, long: str) -> None:
    several = [[it for page in pages(crm, firm.seller, long, limit) for it in page] for limit in (61, 250, 500)]
    assert several[0] == several[1] == several[2]
    assert len(several[0]) > 1200


def test_pages_are_full_of_what_the_reader_may_read(crm: CRM, firm: Firm, long: str) -> None:
    """Lines that hold nothing else are not there, nor what follows from them; the cursor is of one reader alone."""
    rules = [{"entity": "deal", "field": "description", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    found = pages(crm, firm.seller, long, 100)
    lines = [it for page in found for it in page]
    assert [len(page) for page in found[:-1]] == [100] * (len(found) - 1)
    assert not [it for it in lines if "description" in it.fields]
    every = [it for page in pages(crm, firm.owner, long, 500) for it in page]
    assert len(every) - len(lines) == 150


def test_a_cursor_is_of_one_reader_and_one_record(crm: CRM, firm: Firm) -> None:
    id, other = make_deal(crm, by=firm.seller).id, make_deal(crm, by=firm.seller).id
    change(crm, firm, id, title="Anew")
    with crm.read(firm.seller) as reader:
        cursor = timeline(reader, Deal, id, limit=1).next
        assert {it.kind for it in timeline(reader, Deal, id, cursor=cursor)} == {"created"}
        for record, wrong in ((other, cursor), (id, "nonsense")):
            with pytest.raises(InputError, match="cursor"):
                timeline(reader, Deal, record, cursor=wrong)
    with crm.read(firm.owner) as reader, pytest.raises(InputError, match="cursor"):
        timeline(reader, Deal, id, cursor=cursor)


def test_a_move_says_from_where_to_where(crm: CRM, firm: Firm) -> None:
    """With the pipelines, where it goes to another one; nothing to whoever may not read the stage."""
    id = make_deal(crm, by=firm.seller, pipeline="first").id
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, id, to="ready")])
        pipelines.move(work, [Move(Deal, id, to="second.new")])
    with crm.read(firm.seller) as reader:
        moves = [(it.from_stage, it.to_stage) for it in timeline(reader, Deal, id) if it.kind == "moved"]
        assert moves == [("first.ready", "second.new"), ("new", "ready")]
        others = {(it.from_stage, it.to_stage) for it in timeline(reader, Deal, id) if it.kind != "moved"}
    assert others == {(None, None)}
    rules = [{"entity": "deal", "field": "stage", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    with crm.read(firm.seller) as reader:
        assert {(it.from_stage, it.to_stage) for it in timeline(reader, Deal, id)} == {(None, None)}


def test_what_refers_to_a_record_of_its_own_kind_belongs_to_it_too(crm: CRM, firm: Firm) -> None:
    parent = make_company(crm, by=firm.owner, name="Parent")
    child = make_company(crm, by=firm.owner, name="Child", parent_id=parent.id)
    with crm.read(firm.owner) as reader:
        found = [it.record_id for it in timeline(reader, Company, parent.id)]
    assert found == [child.id, parent.id]
