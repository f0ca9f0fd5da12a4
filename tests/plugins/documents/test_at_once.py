"""Two who make the same document at the same instant."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from tests.plugins.documents.conftest import word

from opencrm import File, Query
from opencrm.plugins.documents import generate, generating


class Slow:
    """A `ServiceDoor` of a person, behind which somebody else comes before the transaction ends."""

    entity = "deal"
    key = "slow"

    def __init__(self, crm, principal, deal, other):
        self.record_id = deal.id
        self._crm = crm
        self._principal = principal
        self._other = other

    def read(self):
        return self._crm.read(self._principal)

    @contextmanager
    def work(self):
        with self._crm.work(self._principal) as work:
            yield work
            self._other.start()
            self._other.join(3)

    def once(self, _work, _key):
        return True


def test_two_at_once_are_one_file(crm, firm, deal, make_template):
    """The second waits for the first, and does not take the file for one that is not there."""
    make_template("word", word("{{ client }}"))
    other = threading.Thread(target=generate, args=(crm, firm.owner, "deal", deal.id, "contract"))
    generating.run(Slow(crm, firm.owner, deal, other), {"template": "contract"})
    other.join()
    with crm.read(firm.owner) as reader:
        assert [it.name for it in reader.list(Query(File)) if it.record_id == deal.id] == ["Contract.docx"]
