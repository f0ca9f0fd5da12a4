"""Makers of records: a test names what matters to it, and nothing else.

Each goes through the one write path, as the workspace's owner unless `by` says who.
"""

from __future__ import annotations

from typing import Any

from opencrm.app.crm import CRM
from opencrm.core.access.principal import Principal
from opencrm.core.entities import Activity, Company, Contact, Deal, Product, Task
from opencrm.core.entity import Entity
from opencrm.services import records
from opencrm.services.commands import Create
from opencrm.services.reading.rows import Record


def make_record(crm: CRM, entity: type[Entity], /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make a record of any entity.

    Args:
        crm: The workspace.
        entity: Its class.
        by: Who makes it; by default the only owner.
        fields: Its fields, raw or typed, and its parts.

    Returns:
        The record as its maker sees it.
    """
    with crm.work(by or crm.sole_owner()) as work:
        [line] = records.create(work, [Create(entity, values=fields)])
        return work.get(entity, line.record_id)


def make_contact(crm: CRM, /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make a contact."""
    return make_record(crm, Contact, by=by, **{"name": "Carla Client", **fields})


def make_company(crm: CRM, /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make a company."""
    return make_record(crm, Company, by=by, **{"name": "Client Ltd", **fields})


def make_deal(crm: CRM, /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make a deal, in the first stage unless `stage` says which."""
    return make_record(crm, Deal, by=by, **{"title": "Windows", **fields})


def make_product(crm: CRM, /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make a product."""
    return make_record(crm, Product, by=by, **{"name": "Window 60 x 90", **fields})


def make_task(crm: CRM, /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make a task."""
    return make_record(crm, Task, by=by, **{"title": "Call back", **fields})


def make_activity(crm: CRM, /, *, by: Principal | None = None, **fields: Any) -> Record:
    """Make an activity: a note, unless `kind` says otherwise."""
    return make_record(crm, Activity, by=by, **{"subject": "Called", **fields})
