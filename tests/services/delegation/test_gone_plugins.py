"""Roles about an entity whose plugin is gone: they give nothing, hinder nobody, and are not written anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Mapped

from opencrm import (
    CRM,
    Create,
    Deal,
    Entity,
    FieldRule,
    Grant,
    InputError,
    Membership,
    PermissionDenied,
    Query,
    Role,
    Scope,
    Text,
    Update,
    field,
    hookimpl,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing.firm import WindowSales

KNOWN = [Grant(entity, "read", Scope.ALL) for entity in ("unit", "user", "role", "membership", "deal")]
GONE = Grant("guest_card", "read", Scope.ALL)


class Base(Entity, prefix="guest"):
    """The guest's entities."""


class Card(Base):
    """A guest's card."""

    name: Mapped[str] = field(Text(80, folded=True), required=True)


class Guest:
    """Brings the card."""

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield Card


@pytest.fixture
def crm_plugins():
    return (Guest(),)


@pytest.fixture
def role(crm, firm):
    """A role that sees cards, written while there were some, and held by the seller."""
    rule = FieldRule("guest_card", "name", read=True, write=False)
    values = {"key": "guest", "name": "Guest", "rank": 10, "grants": [*KNOWN, GONE], "delegable": [GONE]}
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Role, values=values | {"field_rules": [rule]})])
        seat = {"user_id": firm.seller.id, "unit_id": firm.units["north"], "role_id": made.record_id}
        records.create(work, [Create(Membership, values=seat)])
    return made.record_id


@pytest.fixture
def without(crm, role):
    """The same workspace without the plugin."""
    opened = CRM(engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales()], clock=crm.clock)
    yield opened
    opened.close()


def test_it_hinders_nobody(without, firm):
    """Reading goes on, by what is left."""
    with without.read(firm.seller) as reader:
        assert list(reader.list(Query(Deal))) == []


def test_what_is_left_of_the_role_is_edited(without, firm, role):
    """Names, and other grants beside the old one."""
    with without.work(firm.owner) as work:
        records.update(work, [Update(Role, role, name="Guests")])
        grants = grant_rows([*KNOWN, GONE, Grant("deal", "update", Scope.OWN)])
        records.update(work, [Update(Role, role, values={"grants": grants})])


@pytest.mark.parametrize("field_", ["grants", "delegable"])
def test_it_is_not_written_anew(without, firm, role, field_):
    """Into another role, or further."""
    wide = [*KNOWN, Grant("guest_card", "update", Scope.ALL)]
    with pytest.raises(InputError, match="guest_card"), without.work(firm.owner) as work:
        records.update(work, [Update(Role, role, values={field_: grant_rows(wide)})])
    with pytest.raises(InputError, match="guest_card"), without.work(firm.owner) as work:
        records.create(work, [Create(Role, values={"key": "x", "name": "X", field_: grant_rows([GONE])})])


def test_nobody_hands_on_what_may_come_back(without, firm, role):
    """The head hands on deals only: not what the plugin will give again when it is back."""
    admin = [Grant("membership", "create", Scope.SUBTREE)]
    with without.work(firm.owner) as work:
        change = {"grants": grant_rows([*KNOWN, *admin]), "delegable": grant_rows(KNOWN)}
        records.update(work, [Update(Role, firm.roles["firm_head"], values=change)])
    place = {"user_id": firm.fitter.id, "unit_id": firm.units["north"], "role_id": role}
    with pytest.raises(PermissionDenied) as refused, without.work(firm.head) as work:
        records.create(work, [Create(Membership, values=place)])
    assert refused.value.rule == "delegable"
