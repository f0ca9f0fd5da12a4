"""What goes otherwise than planned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opencrm_windows.records import Payment

from opencrm import CRM, Deal, InputError, Query, Record, RequirementMissing
from opencrm.testing import MONDAY, finish, inbox, submit

MARIA: dict[str, Any] = {"name": "Maria Lopez", "phone": "020 7183 8750"}
PLACE: dict[str, Any] = {"windows_address": "12 Mill Lane, Bath"}
SIZE = {"room": "Kitchen", "width": 1200, "height": 900}


def stage(crm: CRM, deal: Record) -> str:
    with crm.read(crm.sole_owner()) as reader:
        return str(reader.get(Deal, deal.id).stage)


def agreed(crm: CRM) -> Record:
    """Return a deal whose price is agreed."""
    deal = submit(crm, "request", **MARIA).deal
    finish(crm, deal, "call", **PLACE)
    finish(crm, deal, "measure", sizes=[SIZE])
    finish(crm, deal, "price", amount="4800")
    return deal


@pytest.mark.parametrize("heat, minutes", [("hot", 15), ("warm", 20), ("cold", 30), (None, 30)])
def test_how_hot_it_is_decides_how_long_there_is(crm: CRM, heat: str | None, minutes: int) -> None:
    deal = submit(crm, "request", **MARIA, windows_heat=heat).deal
    assert finish.next(crm, deal).due_at == MONDAY + timedelta(minutes=minutes)


def test_at_night_the_calendar_decides(crm: CRM) -> None:
    """Sent at 22:00, due in the morning."""
    crm.advance("13h")
    deal = submit(crm, "request", **MARIA, windows_heat="hot").deal
    assert finish.next(crm, deal).due_at == datetime(2026, 3, 3, 8, 15, tzinfo=UTC)


def test_the_same_person_twice_is_called_once(crm: CRM) -> None:
    first = submit(crm, "request", **MARIA).deal
    again = submit(crm, "request", name="M. Lopez", phone="+442071838750", message="Are you there?").deal
    assert again.id == first.id
    finish(crm, first, "call", **PLACE)
    assert finish.next(crm, first).kind == "measure"


def test_two_fitters_share_the_work(crm: CRM, firm: Any) -> None:
    """Whoever is free first measures."""
    deals = [submit(crm, "request", name=f"Client {at}", phone=f"020 7183 875{at}").deal for at in range(2)]
    for deal in deals:
        finish(crm, deal, "call", **PLACE)
    owners = {finish.next(crm, deal).owner_id for deal in deals}
    assert owners == {firm.fitter.id, firm.second_fitter.id}


def test_without_sizes_nothing_is_measured(crm: CRM) -> None:
    deal = submit(crm, "request", **MARIA).deal
    finish(crm, deal, "call", **PLACE)
    with pytest.raises(RequirementMissing):
        finish(crm, deal, "measure")
    assert stage(crm, deal) == "measuring"


@pytest.mark.parametrize("amount", ["0", "-4800", None])
def test_without_a_price_there_is_no_contract(crm: CRM, amount: str | None) -> None:
    """Neither for nothing, nor for less."""
    deal = submit(crm, "request", **MARIA).deal
    finish(crm, deal, "call", **PLACE)
    finish(crm, deal, "measure", sizes=[SIZE])
    with pytest.raises(RequirementMissing, match=r"[Pp]rice|[Aa]mount"):
        finish(crm, deal, "price", amount=amount)
    assert stage(crm, deal) == "pricing"


def test_money_that_comes_early_waits_for_the_contract(crm: CRM) -> None:
    deal = submit(crm, "request", **MARIA).deal
    submit(crm, "payment", deal=deal.id, amount="4800")
    assert stage(crm, deal) == "request"
    finish(crm, deal, "call", **PLACE)
    finish(crm, deal, "measure", sizes=[SIZE])
    finish(crm, deal, "price", amount="4800")
    assert stage(crm, deal) == "installation"


def test_money_in_parts_is_added_up(crm: CRM, firm: Any) -> None:
    deal = agreed(crm)
    submit(crm, "payment", deal=deal.id, amount="2000")
    assert stage(crm, deal) == "agreed"
    assert inbox(crm, firm.seller)[-1] == "Maria Lopez: 2000 of 4800 paid"
    submit(crm, "payment", deal=deal.id, amount="2800")
    assert stage(crm, deal) == "installation"


@pytest.mark.parametrize("amount", ["0", "-4800", "much"])
def test_money_that_is_none_is_refused(crm: CRM, amount: str) -> None:
    """By the field's name; nothing is kept."""
    deal = agreed(crm)
    with pytest.raises(InputError, match="amount"):
        submit(crm, "payment", deal=deal.id, amount=amount)
    with crm.read(crm.sole_owner()) as reader:
        assert not list(reader.list(Query(Payment)))
        assert reader.get(Deal, deal.id).windows_paid is None


def test_the_same_payment_twice_is_one(crm: CRM) -> None:
    """The bank tells us again when it heard nothing."""
    deal = agreed(crm)
    for _ in range(2):
        submit(crm, "payment", deal=deal.id, amount="2400", once="TX 1")
    assert stage(crm, deal) == "agreed"


def test_a_second_payment_after_all_is_paid_changes_nothing(crm: CRM) -> None:
    deal = agreed(crm)
    submit(crm, "payment", deal=deal.id, amount="4800")
    submit(crm, "payment", deal=deal.id, amount="4800")
    assert finish.next(crm, deal).kind == "install"


def test_nobody_is_told_twice(crm: CRM, firm: Any) -> None:
    submit(crm, "request", **MARIA, windows_heat="hot")
    crm.advance("3d")
    assert inbox(crm, firm.head) == ["Overdue: Call Maria Lopez"]


def test_nothing_is_wrong_with_the_definitions(crm: CRM) -> None:
    assert crm.problems() == {}
