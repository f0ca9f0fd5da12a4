"""Personal entities of plugins: the same rules, by declaration alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Mapped

from opencrm import (
    Create,
    Entity,
    Grant,
    NotFound,
    Options,
    Owned,
    PermissionDenied,
    Query,
    Reference,
    Role,
    Scope,
    Text,
    Unit,
    Update,
    field,
    hookimpl,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_record


class Base(Entity, prefix="diary"):
    """The plugin's base."""


class Page(Owned, Base):
    """A page of somebody's diary."""

    options = Options(display="text", personal=True, published_in="shown_to_id")

    text: Mapped[str] = field(Text(200, folded=True), required=True)
    shown_to_id: Mapped[str | None] = field(Reference(Unit))


class Secret(Owned, Base):
    """What is shown to nobody."""

    options = Options(display="text", personal=True)

    text: Mapped[str] = field(Text(200, folded=True), required=True)


class Diary:
    """The plugin."""

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield Page
        yield Secret


@pytest.fixture
def crm_plugins():
    return [Diary()]


@pytest.fixture(autouse=True)
def generous(crm, firm):
    """Everybody but the sellers may do anything with anything, by grants that are no owner's."""
    grants = [Grant("*", action, Scope.ALL) for action in ("create", "read", "update", "delete", "assign", "export")]
    with crm.work(firm.owner) as work:
        for role in ("firm_head", "firm_lead", "firm_viewer"):
            records.update(work, [Update(Role, firm.roles[role], grants=grant_rows(grants))])


@pytest.mark.parametrize("entity", [Page, Secret])
def test_it_is_its_owners_alone(crm, firm, entity):
    """Grants open none of it; owners of the workspace see all."""
    made = make_record(crm, entity, by=firm.seller, text="mine")
    seen = {}
    for who in ("seller", "lead", "head", "viewer", "stranger", "owner"):
        with crm.work(getattr(firm, who)) as work:
            seen[who] = len(work.list(Query(entity)))
            assert work.count(entity) == seen[who]
            assert len(list(work.stream(Query(entity), action="export"))) == seen[who]
            if not seen[who]:
                with pytest.raises(NotFound):
                    records.update(work, [Update(entity, made.id, text="x")])
    assert {who for who, number in seen.items() if number} == {"seller", "owner"}


def test_it_is_published_to_a_unit_and_exported_by_its_owner_alone(crm, firm):
    """Below the unit it is read; nobody there changes it or takes it out."""
    page = make_record(crm, Page, by=firm.head, text="ours", shown_to_id=firm.units["north"])
    for who, reads in (("fitter", True), ("lead", True), ("stranger", False), ("viewer", False)):
        with crm.work(getattr(firm, who)) as work:
            assert len(work.list(Query(Page))) == int(reads)
            assert list(work.stream(Query(Page), action="export")) == []
            with pytest.raises(PermissionDenied if reads else NotFound):
                records.update(work, [Update(Page, page.id, text="x")])


def test_it_is_made_for_oneself(crm, firm):
    """Not for somebody else."""
    with crm.work(firm.lead) as work, pytest.raises(PermissionDenied):
        records.create(work, [Create(Page, text="theirs", owner_id=firm.seller.id)])
