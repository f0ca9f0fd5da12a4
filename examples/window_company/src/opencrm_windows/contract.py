"""The contract: a template with the client's data, the measurements and the amount."""

from __future__ import annotations

from importlib import resources

from opencrm import CRM, Create, Principal, records
from opencrm.plugins.documents import Template

DATA = {
    "client": "contact.name",
    "reach": "contact.points[]?",
    "windows": "windows_measurement[]",
    "amount": "amount",
    "currency": "currency",
    "agreed": "stage_since",
}


def add(crm: CRM, owner: Principal) -> None:
    """Add the template to a workspace; the company changes it there as it likes."""
    body = resources.files("opencrm_windows").joinpath("contract.typ").read_bytes()
    with crm.work(owner) as work:
        values = {"key": "contract", "name": "Contract", "kind": "pdf", "entity": "deal", "data": DATA}
        [template] = records.create(work, [Create(Template, values=values)])
    crm.files.add(owner, Template, template.record_id, body, name="contract.typ")
