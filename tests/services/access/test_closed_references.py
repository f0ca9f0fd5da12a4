"""What an automation may not refer to: it is told which grant it lacks, since nobody sees it try."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from opencrm import CRM, Create, Grant, InputError, Principal, Scope, Task, hookimpl, records
from opencrm.testing import Firm, make_contact


class Caller:
    """Gives tasks, and may not read contacts."""

    name = "caller"

    @hookimpl
    def opencrm_register_grants(self) -> Iterator[Grant]:
        yield Grant("task", "create", Scope.ALL)
        yield Grant("task", "read", Scope.ALL)


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Caller()]


def test_an_automation_is_told_which_grant_it_lacks(crm: CRM, firm: Firm) -> None:
    contact = make_contact(crm, by=firm.seller)
    told = "contact_id: refers to no record that you may read: it has no grant contact.read"
    with crm.work(Principal.automation("caller")) as work, pytest.raises(InputError, match=told):
        records.create(work, [Create(Task, title="Call", contact_id=contact.id)])
