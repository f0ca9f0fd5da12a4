"""What may not be read changes no byte of any answer: list, count, sums, board, report, ETag, error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from opencrm import (
    CRM,
    Assign,
    Create,
    Deal,
    Delete,
    Equal,
    FieldRule,
    Less,
    Move,
    OpenCRMError,
    Query,
    Report,
    Role,
    Update,
    assigning,
    boards,
    pipelines,
    records,
    reports,
)

HIDDEN = "source"


@pytest.fixture
def deals(crm, firm):
    """Deals of the seller's and of others', and a field that the seller may not read."""
    rule = attrs.asdict(FieldRule("deal", HIDDEN, read=False, write=False))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=[rule])])
    made = {}
    for at in range(8):
        owner = (firm.seller, firm.stranger)[at % 2]
        values = {"title": f"D{at}", "amount": at, "stage": ("new", "offer")[at % 4 // 2], HIDDEN: f"s{at}"}
        with crm.work(firm.owner) as work:
            [line] = records.create(work, [Create(Deal, values={**values, "owner_id": owner.id})])
        made[at] = line.record_id
        crm.advance("1m")
    return made


def everything(crm: CRM, who, deals) -> list[Any]:
    """Return every answer to somebody, errors included, as text."""
    found = []
    with crm.read(who) as reader:
        for sort in ("-created_at", "amount", "-amount", "expected_close", "title", "-id", HIDDEN):
            page = _answer(lambda sort=sort: reader.list(Query(Deal, sort=sort, limit=2, total=True)))
            found.append(page)
            if not isinstance(page, str) and page.next:
                found.append(reader.list(Query(Deal, sort=sort, limit=2, cursor=page.next)))
        for where in (None, Equal("stage", "new"), Less("amount", 4), Equal(HIDDEN, "s1"), Equal("nonsense", 1)):
            found += [_answer(lambda where=where, read=read: read(reader, where)) for read in READS]
        for id in deals.values():
            found.append(_answer(lambda id=id: reader.etag(Deal, reader.get(Deal, id))))
        found.append(_answer(lambda: reports.run(reader, Report(Deal, HIDDEN))))
    return [_told(each) for each in found]


READS: tuple[Callable[..., Any], ...] = (
    lambda reader, where: reader.count(Deal, where),
    lambda reader, where: reader.sums(Deal, "amount", where),
    lambda reader, where: boards.board(reader, "windows", where=where, cards=1),
    lambda reader, where: reports.run(reader, Report(Deal, ("stage", "owner_id"), ("count", "sum:amount"), where)),
    lambda reader, where: reports.run(reader, Report(Deal, ("stage:entered", "created_at:day"), "conversion", where)),
)


def _answer(read):
    try:
        return read()
    except OpenCRMError as error:
        return f"{error.code}: {error} {error.details}"


def _told(answer):
    """Return an answer as text."""
    return repr(answer)


def _update(**values):
    return lambda work, _, id: records.update(work, [Update(Deal, id, values=values)])


CHANGES = {
    "an own row gets another hidden value": (0, _update(source="other")),
    "another's row is changed": (1, _update(amount=1000, title="changed", expected_close="2026-05-01")),
    "another's row gets a hidden field": (1, _update(source="other")),
    "another's row moves": (3, lambda work, _, id: pipelines.move(work, [Move(Deal, id, to="lost")])),
    "another's row goes": (5, lambda work, _, id: records.delete(work, [Delete(Deal, id)])),
    "another's row goes to a third": (
        5,
        lambda work, firm, id: assigning.assign(work, [Assign(Deal, id, owner=firm.fitter.id)]),
    ),
    "another's row comes": (
        1,
        lambda work, firm, _: records.create(
            work, [Create(Deal, title="new", amount=3, source="x", owner_id=firm.stranger.id)]
        ),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_hidden_changes_no_byte(crm, firm, deals, change):
    """The seller's answers before and after are the same text."""
    before = everything(crm, firm.seller, deals)
    crm.advance("1h")
    at, act = CHANGES[change]
    with crm.work(firm.owner) as work:
        act(work, firm, deals[at])
    assert everything(crm, firm.seller, deals) == before


def test_a_hidden_field_and_none_are_refused_in_the_same_words(crm, firm, deals):
    """Nothing tells that there is one."""
    with crm.read(firm.seller) as reader:
        for read in READS:
            hidden = _answer(lambda read=read: read(reader, Equal(HIDDEN, "s1")))
            assert hidden.replace(HIDDEN, "nonsense") == _answer(
                lambda read=read: read(reader, Equal("nonsense", "s1"))
            )
        asked = [_answer(lambda name=name: reports.run(reader, Report(Deal, name))) for name in (HIDDEN, "nonsense")]
    assert asked[0].replace(HIDDEN, "nonsense") == asked[1]
