"""What the test kit gives of a form that was sent, where it could not become what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from tests.services.process.forms.conftest import ANN, Shop

from opencrm import CRM, Change, NotFound, Objection, hookimpl
from opencrm.testing import submit


class Closed:
    """Lets nobody make what it names."""

    def __init__(self, *entities: str) -> None:
        self._entities = entities

    @hookimpl
    def opencrm_check_change(self, changes: Sequence[Change]) -> Iterator[Objection]:
        yield from (Objection(it.id, "closed", "we are closed") for it in changes if it.entity in self._entities)


class TestNoDeal:
    """A request that became a contact alone."""

    @pytest.fixture
    def crm_plugins(self) -> Sequence[object]:
        return [Shop(), Closed("deal")]

    def test_it_has_no_deal(self, crm: CRM) -> None:
        sent = submit(crm, "request", **ANN)
        assert (sent.contact, sent.record.entity) == (sent.record, "contact")
        with pytest.raises(NotFound, match="went to a contact, and to no deal"):
            _ = sent.deal


class TestNothing:
    """A request that became nothing at all."""

    @pytest.fixture
    def crm_plugins(self) -> Sequence[object]:
        return [Shop(), Closed("deal", "contact")]

    def test_it_says_why(self, crm: CRM) -> None:
        with pytest.raises(NotFound, match=r"became no deal: .*we are closed"):
            submit(crm, "request", **ANN)
