"""Search agrees with a slow and simple reader of everything, whoever asks and whichever way is taken."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from opencrm import Company, Contact, ContactPoint, Create, Deal, Delete, FieldRule, Query, Role, Update, records
from opencrm.core.search import question
from opencrm.services import searching
from opencrm.services.searching.asking import Asked
from opencrm.services.searching.finding import Known, find
from opencrm.services.searching.reach import reach_of
from opencrm.storage.search import document

WORDS = ("an", "anna", "ann", "berg", "bergmann", "b", "gmx", "02", "020", "2071", "77")
PEOPLE = ("seller", "fitter", "stranger")
READERS = ("owner", "head", "lead", "seller", "stranger", "viewer")
HIDDEN = FieldRule("contact", "description", read=False, write=False)

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
points = st.lists(
    st.one_of(
        st.builds(lambda at: {"kind": "phone", "value": f"020 7{at:07}"[:13]}, st.sampled_from((1838750, 7000000))),
        st.builds(lambda a, b: {"kind": "email", "value": f"{a}@{b}.com"}, st.sampled_from(WORDS), st.just("gmx")),
    ),
    max_size=2,
)
made = st.lists(
    st.tuples(
        st.sampled_from((Contact, Company, Deal)),
        st.sampled_from(PEOPLE),
        texts,
        st.none() | texts,
        points,
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)
asked = st.lists(texts.filter(lambda text: any(len(word) > 1 for word in text.split())), min_size=1, max_size=2)


@settings(max_examples=8)
@given(several=made, questions=asked, hide=st.booleans())
def test_search_is_what_a_simple_reader_finds(crm, firm, several, questions, hide):
    """The records, their order, and the field that answers; in each of the ways that it may go."""
    rules = [attrs.asdict(HIDDEN)] if hide else []
    with crm.work(firm.owner) as work:
        records.update(
            work, [Update(Role, firm.roles[role], field_rules=rules) for role in ("firm_seller", "firm_head")]
        )
    _fill(crm, firm, several)
    for who in READERS:
        with crm.read(getattr(firm, who)) as reader:
            for text in questions:
                expected = _simply(reader, text)
                assert [(hit.id, hit.field) for hit in searching.search(reader, text, limit=100)] == expected
                for limit in (2, 100):
                    wanted = [id for id, _ in expected][:limit]
                    assert [ids for ids in _in_every_way(reader, text, limit) if ids != wanted] == []


def _fill(crm, firm, several):
    for entity, who, name, more, of_it, gone in several:
        with crm.work(firm.owner) as work:
            title = "title" if entity is Deal else "name"
            values = {title: name, "description": more, "owner_id": getattr(firm, who).id}
            values |= {} if entity is Deal else {"points": of_it}
            [line, *_] = records.create(work, [Create(entity, values=values)])
        if gone:
            with crm.work(firm.owner) as work:
                records.delete(work, [Delete(entity, line.record_id)])


def _simply(reader, text):
    """Read every record, and look into each of its fields."""
    asked = question(text, "GB")
    keys = {
        (record, source, field): key
        for key, record, source, field in reader.tx.select("test keys", lambda: select(*_KEYS), {})
    }
    found = []
    for spec in reader.configuration.catalogue.entities.values():
        if spec.options.part_of or not any(it.searchable for it in spec.fields.values()):
            continue
        for record in reader.list(Query(spec, limit=1000)).rows:
            held = list(_texts(reader, spec, record))
            if not all(_answers(term, [words for _, _, _, words in held]) for term in asked.terms):
                continue
            ranked = []
            for weight, source, field, words in held:
                if any(word.startswith(asked.lead.lead) for word in words):
                    head = " ".join(words)[:32]
                    how = 0 if head == asked.start[:32] else 2 if head.startswith(asked.start[:32]) else 4
                    ranked.append((how + weight, -keys[record.id, source, field], field))
            if ranked:
                found.append((min(ranked), record.id, spec.name))
    return [(id, _told(field, name)) for (_, _, field), id, name in sorted(found)]


_KEYS = (document.c.id, document.c.record_id, document.c.source_id, document.c.field)


def _told(field, name):
    return field.removeprefix(f"{name}.")


def _texts(reader, spec, record):
    from opencrm.core.search import words
    from opencrm.core.search.phones import phone_words

    for name, it in spec.fields.items():
        if it.searchable and record.get(name) is not None:
            weight = 0 if name == spec.options.display else 1
            yield weight, record.id, f"{spec.name}.{name}", words(str(record[name]))
    if spec.name in ("contact", "company"):
        for point in reader.list(Query(ContactPoint, limit=1000)).rows:
            if point[f"{spec.name}_id"] == record.id:
                of_it = phone_words(point.key) if point.kind == "phone" else words(point.value)
                yield 1, point.id, "contact_point.value", of_it


def _answers(term, texts):
    every = [word for words in texts for word in words]
    whole = all(any(it.startswith(word) for it in every) for word in term.words)
    return whole or (bool(term.digits) and any(word.startswith(term.digits) for word in every))


def _in_every_way(reader, text, limit):
    """Return the ids that each way gives."""
    reach = reach_of(reader, None)
    put = Asked(question(text, "GB"), reach, reader.tx.sqlite)
    small = tuple(place for place in reach.places if place.parts.arms)
    ways = [Known(), *(Known(rare=term) for term in put.question.terms[:1]), Known(few=small)]
    ways += [] if reader.tx.sqlite else [Known(walked=0), Known(walked=1)]
    entities = reader.configuration.catalogue.entities
    return [[row.record_id for row in find(reader.tx, put, entities, limit, way) if row.tier < 6] for way in ways]


@pytest.mark.parametrize("text", ["anna", "berg", "gmx", "0207"])
def test_what_is_hidden_changes_nothing(crm, firm, text):
    """Neither other people's records nor fields that may not be read: not a byte of any answer."""
    rules = [attrs.asdict(HIDDEN)]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    own = [
        (Contact, "seller", f"Anna Berg {at}", "x", [{"kind": "email", "value": "a@gmx.com"}], False) for at in range(4)
    ]
    _fill(crm, firm, own)
    before = _told_to(crm, firm.seller, text)
    phone = {"kind": "phone", "value": "020 7183 8750"}
    hidden = [(Contact, "stranger", f"{text} {at}", text, [phone] if at else [], at == 3) for at in range(30)]
    _fill(crm, firm, hidden)
    assert _told_to(crm, firm.seller, text) == before
    with crm.read(firm.seller) as reader:
        mine = [row.id for row in reader.list(Query(Contact)).rows]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, id, description=f"{text} {text}") for id in mine[1:3]])
    assert _told_to(crm, firm.seller, text) == before


def _told_to(crm, who, text):
    with crm.read(who) as reader:
        return searching.search(reader, text, limit=3), searching.search(reader, text, [Contact])
