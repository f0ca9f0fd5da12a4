"""Only type-checked: what a user writes has the types that the documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

from opencrm import (
    CRM,
    Contact,
    Count,
    Create,
    Deal,
    Equal,
    JournalEntry,
    Money,
    Move,
    Not,
    Page,
    Pipeline,
    Principal,
    Query,
    Record,
    Update,
    hookimpl,
    pipelines,
    records,
)


def write(crm: CRM, principal: Principal) -> None:
    with crm.work(principal) as work:
        assert_type(records.create(work, [Create(Deal, title="Windows")]), tuple[JournalEntry, ...])
        assert_type(records.update(work, [Update(Deal, "id", title="Doors")]), tuple[JournalEntry, ...])
        assert_type(pipelines.move(work, [Move(Deal, "id", to="won")]), tuple[JournalEntry, ...])
        assert_type(work.get(Contact, "id"), Record)
        assert_type(work.act, str)


def read(crm: CRM, principal: Principal) -> None:
    with crm.read(principal) as reader:
        page = reader.list(Query(Deal, where=Not(Equal("stage", "won"))))
        assert_type(page, Page[Deal])
        assert_type(page.next, str | None)
        assert_type(reader.count(Deal), Count)
        assert_type(reader.sums(Deal, "amount"), tuple[Money, ...])
        assert_type(reader.stream(Query(Contact)), Iterator[Record])
        assert_type(reader.history(Deal, "id"), tuple[JournalEntry, ...])


def who(crm: CRM) -> None:
    assert_type(crm.init(owner="Ann"), Principal)
    assert_type(crm.principal("ann@example.com"), Principal)


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield Pipeline("sales", ["new", "won"], moves={("new", "won")})
