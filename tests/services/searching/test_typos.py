"""Names that are written much like what was asked for, where the database can tell."""

from __future__ import annotations

import pytest

from opencrm import searching
from opencrm.storage.search import document, similar_at
from opencrm.testing import make_contact


@pytest.fixture
def alike(crm, crm_database):
    """Skips where the database cannot tell."""
    if crm_database == "sqlite":
        pytest.skip("SQLite has nothing for similar words")
    with crm.database.read() as tx:
        if similar_at(tx) is None:
            pytest.skip("this server has no pg_trgm")


def titles(crm, who, text):
    with crm.read(who) as reader:
        return [hit.title for hit in searching.search(reader, text)]


@pytest.mark.usefixtures("alike")
@pytest.mark.parametrize("asked", ["Schmit", "Anna Schmit", "schmidd", "Jonson", "johnsson"])
def test_a_letter_or_two_may_be_wrong(crm, firm, asked):
    """Where nothing is written so."""
    make_contact(crm, by=firm.seller, name="Anna Schmidt")
    make_contact(crm, by=firm.seller, name="Johnson")
    expected = "Johnson" if asked.lower().startswith("jo") else "Anna Schmidt"
    assert titles(crm, firm.seller, asked) == titles(crm, firm.owner, asked) == [expected]


@pytest.mark.usefixtures("alike")
def test_within_reach_only(crm, firm):
    """And the more alike come first, whoever asks."""
    make_contact(crm, by=firm.stranger, name="Anna Schmidt")
    make_contact(crm, by=firm.seller, name="Schmitz")
    make_contact(crm, by=firm.seller, name="Schmidtke Bau")
    assert titles(crm, firm.seller, "Schmitd") == ["Schmitz", "Schmidtke Bau"]
    assert titles(crm, firm.viewer, "Schmitd") == titles(crm, firm.owner, "Schmitd")
    assert "Anna Schmidt" in titles(crm, firm.owner, "Schmitd")


@pytest.mark.usefixtures("alike")
def test_what_is_written_so_stands_alone(crm, firm):
    """Nobody who is found by their name is drowned in others."""
    make_contact(crm, by=firm.seller, name="Anna Schmidt")
    make_contact(crm, by=firm.seller, name="Anna Schmitt")
    assert titles(crm, firm.seller, "schmitt") == ["Anna Schmitt"]


@pytest.mark.usefixtures("alike")
def test_short_words_and_numbers_are_not_guessed(crm, firm):
    """Half of everything is written like two letters."""
    make_contact(crm, by=firm.seller, name="Anna 12345")
    assert titles(crm, firm.seller, "ana") == titles(crm, firm.seller, "12354") == []


def test_without_the_extension(crm, firm, crm_database):
    """Search finds what is written so, and says nothing of the rest."""
    if crm_database == "postgresql":
        with crm.database.write() as tx:
            tx.connection.exec_driver_sql(f'DROP INDEX "{crm.database.schema}".ix_{document.name}_similar')
    try:
        make_contact(crm, by=firm.seller, name="Anna Schmidt")
        assert titles(crm, firm.seller, "schmidt") == ["Anna Schmidt"]
        assert titles(crm, firm.seller, "schmit") == []
    finally:
        if crm_database == "postgresql":
            with crm.database.write() as tx:
                schema = crm.database.schema
                tx.connection.exec_driver_sql(
                    f'CREATE INDEX ix_{document.name}_similar ON "{schema}".{document.name} '
                    "USING gin (head public.gin_trgm_ops) WHERE weight = 0"
                )
