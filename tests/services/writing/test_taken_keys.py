"""A value that a hidden record holds is taken: the refusal says so, and nothing else of that record."""

from __future__ import annotations

import pytest

from opencrm import Contact, Create, Duplicate, ExternalRef, records
from opencrm.rest import problem_of
from opencrm.testing import make_contact, make_record


@pytest.mark.parametrize("hidden", [True, False])
def test_a_key_of_a_hidden_record_is_refused_like_one_of_a_visible_one(crm, firm, hidden):
    """Neither the record nor a value stands in the error; it is the same byte for byte."""
    where = firm.units["south" if hidden else "north"]
    other = make_contact(crm, by=firm.owner, name="Hidden Somebody", unit_id=where)
    held = {"entity": "contact", "record_id": other.id, "system": "erp", "key": "77"}
    make_record(crm, ExternalRef, **held, label="Secret label")
    mine = make_contact(crm, by=firm.head)
    with crm.read(firm.head) as reader:
        assert (reader.states(Contact.spec, [other.id]) == {}) is hidden
    with pytest.raises(Duplicate) as refused, crm.work(firm.head) as work:
        given = {"entity": "contact", "record_id": mine.id, "system": "erp", "key": "77"}
        records.create(work, [Create(ExternalRef, values=given)])
    assert str(refused.value) == "another record has the same system and entity and key"
    assert refused.value.details == {"fields": ["system", "entity", "key"]}
    assert problem_of(refused.value).body() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "duplicate",
        "detail": "another record has the same system and entity and key",
        "details": {"fields": ["system", "entity", "key"]},
    }
