"""What the stories about access share."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import Create, Deputy, NotFound, Query, Share, Update, records
from opencrm.embed import Reader
from opencrm.testing import MONDAY


@pytest.fixture
def share(crm):
    """`share(by, deal, with_, "read", "update")`: share a deal; return the share's id."""

    def make(by, record, person, *actions, until=None):
        with crm.work(by) as work:
            given = {"entity": record.entity, "record_id": record.id, "user_id": person.id, "actions": list(actions)}
            [line] = records.create(work, [Create(Share, values=given | {"until": until})])
            return line.record_id

    return make


@pytest.fixture
def stand_in(crm, firm):
    """`stand_in(of, to, ["deal"], days=2)`: let somebody stand in for another from now on."""

    def make(of, to, entities=None, days=2):
        with crm.work(firm.owner) as work:
            given = {"of_id": of.id, "to_id": to.id, "entities": entities, "valid_to": MONDAY + timedelta(days=days)}
            [line] = records.create(work, [Create(Deputy, values=given)])
            return line.record_id

    return make


@pytest.fixture
def sees(crm):
    """`sees(person, deal)`: whether somebody may read a record; list, count and the look at one must agree."""

    def look(person, record):
        with crm.read(person) as reader:
            return agreed(reader, record)

    return look


@pytest.fixture
def change(crm):
    """`change(person, deal, title="Doors")`: change a record as somebody; return the line of the journal."""

    def make(person, record, **values):
        with crm.work(person) as work:
            [line] = records.update(work, [Update(work.entity(record.entity), record.id, values=values)])
            return line

    return make


def agreed(reader: Reader, record) -> bool:
    spec = reader.entity(record.entity)
    try:
        reader.get(spec, record.id)
        found = True
    except NotFound:
        found = False
    page = reader.list(Query(spec, limit=1000, total=True))
    assert (record.id in {row.id for row in page}) == found
    assert page.total == len(page.rows) == reader.count(spec)
    return found
