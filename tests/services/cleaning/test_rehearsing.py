"""Rehearsals take their transaction back, and no savepoint around all that they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event

from opencrm import CRM, Company, Create, Deal, Merge, Principal, editing, merging, records
from opencrm.core.conditions import TRUE
from opencrm.services.cleaning.steps import MassEdit
from opencrm.testing import Firm, make_company

Sizes = Callable[[], dict[str, int]]
NUMBER = 1_200
"""More than go into one part."""


@pytest.fixture
def depths(crm: CRM) -> Iterator[list[int]]:
    """How many savepoints were open inside each other, after each that was opened or ended."""
    found = [0]
    listeners = {
        "savepoint": lambda *_: found.append(found[-1] + 1),
        "release_savepoint": lambda *_: found.append(found[-1] - 1),
        "rollback_savepoint": lambda *_: found.append(found[-1] - 1),
    }
    for name, listener in listeners.items():
        event.listen(crm.database.engine, name, listener)
    yield found
    for name, listener in listeners.items():
        event.remove(crm.database.engine, name, listener)


def deals(crm: CRM, by: Principal, company: str) -> None:
    with crm.work(by) as work:
        records.create(work, [Create(Deal, title=f"D{at}", company_id=company) for at in range(NUMBER)])


def test_a_merge_is_rehearsed_without_a_savepoint(crm: CRM, firm: Firm, sizes: Sizes, depths: list[int]) -> None:
    """Within one, SQLite's time grows with the square of what refers to the records; nothing is kept all the same."""
    one, two = make_company(crm, name="One"), make_company(crm, name="Two")
    deals(crm, firm.owner, two.id)
    before = sizes()
    depths[:] = [0]
    told = merging.rehearse(lambda: crm.work(firm.owner), Merge(Company, one.id, [two.id]))
    assert (told.followed, told.act, depths) == ({"deal": NUMBER}, None, [0])
    assert sizes() == before


@pytest.mark.parametrize("way", ["rehearse", "run"])
def test_a_mass_edit_is_rehearsed_with_a_savepoint_for_each_part(
    crm: CRM, firm: Firm, sizes: Sizes, depths: list[int], way: str
) -> None:
    """Each ends before the next: there is none around all of them; nothing is kept all the same."""
    deals(crm, firm.owner, make_company(crm).id)
    door, wish, before = lambda: crm.work(firm.owner), MassEdit(Deal, where=TRUE, set={"source": "web"}), sizes()
    depths[:] = [0]
    told = editing.rehearse(door, wish) if way == "rehearse" else editing.run(door, wish, rehearsed=True)
    assert (told.changed, told.act, depths) == (NUMBER, None, [0, 1, 0, 1, 0, 1, 0])
    assert sizes() == before
