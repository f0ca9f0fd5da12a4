"""Rows that mean one record make one record, wherever the file is cut into chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opencrm import CRM, Company, ExternalRef, Query
from opencrm.testing import Firm, make_company

Bring = Callable[..., Any]
BY_NAME = '[[target]]\nentity = "company"\nmatch = ["name"]\nfields.name = "name"\nfields.city = "city"\n'
BY_KEY = 'system = "erp"\n' + BY_NAME.replace("match", 'key = "no"\nmatch')


def companies(crm: CRM, firm: Firm) -> list[tuple[str, str | None]]:
    with crm.read(firm.owner) as reader:
        return [(row.name, row.city) for row in reader.stream(Query(Company, sort="id"))]


@pytest.mark.parametrize("between", [0, 2000], ids=["one chunk", "several"])
def test_rows_are_grouped_as_they_are_looked_up(bring: Bring, crm: CRM, firm: Firm, between: int) -> None:
    """Without regard to accents, case and blanks; the last row counts."""
    filling = "".join(f"N{at},\n" for at in range(between))
    rows = f"name,city\nCafé Rouge,Riga\n{filling}CAFE  rouge,Tartu\n"
    assert bring(rows, BY_NAME).errors == []
    assert [one for one in companies(crm, firm) if one[1]] == [("CAFE  rouge", "Tartu")]
    assert len(companies(crm, firm)) == between + 1


def test_one_that_is_kept_has_the_first_rows_values(bring: Bring, crm: CRM, firm: Firm) -> None:
    """As if the second row came in another chunk."""
    kept = BY_NAME + 'existing = "keep"\n'
    bring("name,city\nCafé Rouge,Riga\nCafe Rouge,Tartu\n", kept)
    assert companies(crm, firm) == [("Café Rouge", "Riga")]


def test_the_fields_are_tried_in_turn_among_the_rows_too(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A row without the first field is known by the second; what was renamed is found by its new name."""
    rows = "name,city\nAnn,Riga\nAnna,RIGA\nanna,\nAnn,\n"
    assert bring(rows, BY_NAME.replace('["name"]', '["city", "name"]')).counts == {"company created": 2}
    assert companies(crm, firm) == [("anna", None), ("Ann", None)]


def test_two_keys_of_one_name_are_keys_of_one_record(bring: Bring, crm: CRM, firm: Firm) -> None:
    """As where the first row came in with an earlier file."""
    bring("no,name,city\n1,Acme,Riga\n2,ACME,Tartu\n", BY_KEY)
    assert companies(crm, firm) == [("ACME", "Tartu")]
    with crm.read(firm.owner) as reader:
        assert sorted(row.key for row in reader.stream(Query(ExternalRef, sort="id"))) == ["1", "2"]


def test_a_name_that_a_row_took_away_is_free(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A row renames a record by its key; the next one of the old name is another record."""
    bring("no,name,city\n1,Acme,Riga\n", BY_KEY)
    bring("no,name,city\n1,Beta,Riga\n2,Acme,Tartu\n", BY_KEY)
    assert companies(crm, firm) == [("Beta", "Riga"), ("Acme", "Tartu")]


def test_a_word_is_no_blank(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A company called None, and one without a number."""
    make_company(crm, name="None")
    assert bring("name,city\nnone,Riga\n", BY_NAME).counts == {"company updated": 1}
    assert companies(crm, firm) == [("none", "Riga")]
