"""Declaring entities: what an author may get wrong is refused by name."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Mapped

from opencrm import Deal, Entity, Options, Owned, Reference, Text, field


def test_a_declaration_is_read_once():
    """Name, plural, table, fields and their order."""

    class Base(Entity, prefix="declaring_one"):
        """A base."""

    class BigThing(Owned, Base):
        """A thing."""

        options = Options(display="title", plural="big_things_all")
        title: Mapped[str] = field(Text(50, folded=True), required=True, indexed=True)
        deal_id: Mapped[str | None] = field(Reference(Deal))

    spec = BigThing.spec
    assert (spec.name, spec.plural, spec.table.name) == ("declaring_one_big_thing", "big_things_all", spec.name)
    assert list(spec.fields)[:3] == ["id", "title", "deal_id"]
    assert spec.owned
    assert not spec.staged
    assert spec.references() == {"deal_id": "deal", "owner_id": "user", "unit_id": "unit"}
    assert "title_key" in spec.table.c
    assert {"ix_declaring_one_big_thing_unit_id_title_key_id"} <= {index.name for index in spec.table.indexes}


def test_an_entity_needs_a_base():
    """With a prefix of its own."""
    with pytest.raises(TypeError, match="inherit from a base"):

        class Lonely(Entity):
            """No base."""


@pytest.mark.parametrize("prefix", ["Big", "1a", "a-b", ""])
def test_a_prefix_is_a_small_word(prefix):
    """It begins tables' names."""
    with pytest.raises(TypeError, match="prefix"):
        type("Base", (Entity,), {}, prefix=prefix)


def test_an_entity_is_not_inherited_from():
    """Fields are shared by mixins."""

    class Base(Entity, prefix="declaring_two"):
        """A base."""

    class One(Base):
        """One."""

        name: Mapped[str] = field(Text(50), required=True)

    with pytest.raises(TypeError, match="not inherited"):

        class Two(One):
            """Two."""


def test_a_reference_leads_somewhere():
    """To an entity that there is."""

    class Base(Entity, prefix="declaring_three"):
        """A base."""

    with pytest.raises(TypeError, match="no entity is called"):

        class One(Base):
            """One."""

            name: Mapped[str] = field(Text(50), required=True)
            other_id: Mapped[str | None] = field(Reference("nothing"))


def test_core_entities_warn_nobody_who_queries_them():
    """A host's own `select(Deal)` is cached by SQLAlchemy, without a warning."""
    from sqlalchemy import select

    assert select(Deal)._generate_cache_key() is not None


@pytest.mark.parametrize(
    "bases, options, words",
    [
        ((), Options(personal=True), "inherit from Owned"),
        ((Owned,), Options(published_in="unit_id"), "only what is personal"),
        ((Owned,), Options(personal=True, published_in="nix"), "no reference to a unit"),
        ((Owned,), Options(personal=True, published_in="owner_id"), "no reference to a unit"),
    ],
)
def test_what_is_personal_has_an_owner_and_is_published_to_a_unit(bases, options, words):
    """Anything else is refused by name."""

    class Base(Entity, prefix="declaring_personal"):
        """A base."""

    with pytest.raises(TypeError, match=words):
        type("Wish", (*bases, Base), {"options": options, "__doc__": "A wish."})
