"""What the tests of files share: a deal of the seller's, and somebody who puts files on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opencrm import CRM, Deal, Query
from opencrm.core.access.principal import Principal
from opencrm.core.entities import FileVersion
from opencrm.testing import make_deal

PDF = b"%PDF-1.7 an offer"


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller's."""
    return make_deal(crm, by=firm.seller)


@pytest.fixture
def put(crm, firm, deal) -> Callable[..., str]:
    """`put(b"...")` puts a file on the deal as the seller, and returns its id."""

    def put(source=PDF, *, name="Offer.pdf", by=None, on=None) -> str:
        return crm.files.add(by or firm.seller, Deal, on or deal.id, source, name=name).record_id

    return put


@pytest.fixture
def numbers(crm: CRM) -> Callable[[str], list[int]]:
    """`numbers(file)` are the numbers of a file's living versions."""

    def numbers(file_id: str) -> list[int]:
        with crm.read(Principal.system("look at a test's files")) as reader:
            return sorted(row.number for row in reader.stream(Query(FileVersion)) if row.file_id == file_id)

    return numbers
