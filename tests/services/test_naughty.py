"""Text that breaks programs: stored, found and given back as it came."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from opencrm import Contact, Create, Deal, Equal, InputError, Query, records
from opencrm.core.values import normal
from opencrm.testing import make_contact, make_deal

SHARED = Path(os.environ.get("OPENCRM_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
BUILT_IN = [
    "'; DROP TABLE crm_deal; --",
    "%s %(x)s %% {0} $1 :name ?",
    "\\x00 \\N \t tab",
    "Ω≈ç√∫˜µ≤≥÷",
    "مُنَاقَشَةُ",
    "𝓣𝓱𝓮 👩‍👩‍👧‍👦 🇬🇧",
    "﷽" * 100,
    "\ufdfa" * 200,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
    "=1+1",
    "NULL",
    "\u202etest\u202d",
    "e\u0301",
    "\u0130",
    "ß",
    "x" * 200,
]


def naughty() -> list[str]:
    """Give the strings of the Big List of Naughty Strings."""
    file = next(SHARED.glob("naughty-strings/**/blns.json"), None)
    if file is None:
        pytest.skip(f"no naughty strings in {SHARED}: set OPENCRM_SHARED_DATA to where they are")
    found: list[str] = json.loads(file.read_text(encoding="utf-8"))
    return found


def kept(text: str) -> bool:
    return 0 < len(normal(text)) <= 200 and "\x00" not in text and bool(text.strip())


@pytest.mark.parametrize("text", BUILT_IN)
def test_text_comes_back_as_it_was(crm, firm, text):
    """In the record, in the journal and through a condition, but for its normal form."""
    contact = make_contact(crm, name=text)
    with crm.read(firm.owner) as reader:
        assert reader.get(Contact, contact.id).name == normal(text)
        [line] = reader.history(Contact, contact.id)
        assert line.after["name"] == normal(text)
        assert [row.id for row in reader.list(Query(Contact, where=Equal("name", text)))] == [contact.id]


def test_the_big_list_comes_back_as_it_was(crm, firm):
    """All of it at once, through the bulk way in."""
    texts = [text for text in naughty() if kept(text)]
    assert len(texts) > 300
    with crm.work(firm.owner) as work:
        made = records.create(work, [Create(Contact, name=text, description=text) for text in texts])
    with crm.read(firm.owner) as reader:
        rows = {row.id: row for row in reader.stream(Query(Contact))}
    assert [rows[entry.record_id].name for entry in made] == [normal(text) for text in texts]
    assert [rows[entry.record_id].description for entry in made] == [normal(text) for text in texts]


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "\udfff"])
@pytest.mark.parametrize("field", ["title", "source", "description", "lost_reason"])
def test_what_no_database_keeps_is_refused_by_name(crm, text, field):
    """NUL and halves of surrogate pairs."""
    with pytest.raises(InputError) as refused:
        make_deal(crm, **{field: text})
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_they_are_refused_wherever_text_enters(crm, firm, text):
    """In conditions, references, parts, roles and look-ups: bad input, never a crash."""
    with crm.read(firm.owner) as reader:
        for field in ("title", "stage", "contact_id", "currency"):
            with pytest.raises(InputError):
                reader.list(Query(Deal, where=Equal(field, text)))
        assert reader.lookup(Contact.spec, "name", [text]) == {text: []}
    with pytest.raises(InputError):
        make_contact(crm, points=[{"kind": "email", "value": text}])
    with pytest.raises(InputError):
        make_contact(crm, refs=[{"system": text, "key": "1"}])


def test_both_databases_sort_by_code_point_of_the_key(crm, firm):
    """No locale of a server changes a page."""
    texts = [text for text in BUILT_IN if text.strip()]
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name=text) for text in texts])
    from opencrm.core.values import fold

    with crm.read(firm.owner) as reader:
        names = [fold(row.name) for row in reader.list(Query(Contact, sort="name"))]
    assert names == sorted(names)
