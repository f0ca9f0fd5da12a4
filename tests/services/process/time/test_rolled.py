"""Rules that go by a roll-up: so much time after the last visit, whichever that is by then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

import pytest

from opencrm import (
    CRM,
    Activity,
    AddedField,
    Contact,
    Delete,
    Instant,
    Principal,
    Record,
    Rollup,
    Rule,
    Update,
    after,
    hookimpl,
    notify,
    owner,
    records,
)
from opencrm.services.process.timing import arming
from opencrm.testing import Firm, inbox, make_contact, make_record
from opencrm.testing.firm import WindowSales

LAST = Rollup(over="activity", by="contact_id", measure="greatest", of="happened_at")


class Touches:
    """Keeps when a contact was last spoken to."""

    @hookimpl
    def opencrm_register_fields(self) -> Iterator[AddedField]:
        yield AddedField(entity="contact", name="silence_last", type=Instant(), label="Last", rollup=LAST)


class Silence(Touches):
    """And tells of silence."""

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("silence_long", on=after(Contact, "silence_last", "2w"), do=[notify(owner, "Silent: {name}")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Silence()]


def call(crm: CRM, firm: Firm, contact: Record) -> Record:
    now = crm.clock.now()
    return make_record(
        crm, Activity, by=firm.seller, kind="call", subject="Hello", contact_id=contact.id, happened_at=now
    )


def silent(crm: CRM, firm: Firm) -> list[str]:
    return [text for text in inbox(crm, firm.seller) if text.startswith("Silent")]


def test_it_comes_so_long_after_the_last_one(crm: CRM, firm: Firm) -> None:
    """Each one puts it off."""
    ann = make_contact(crm, by=firm.seller, name="Ann")
    call(crm, firm, ann)
    crm.advance("10d")
    call(crm, firm, ann)
    crm.advance("13d")
    assert silent(crm, firm) == []
    crm.advance("1d")
    assert silent(crm, firm) == ["Silent: Ann"]


def test_one_that_is_taken_away_counts_no_more(crm: CRM, firm: Firm) -> None:
    """The time is that of the one before; without any, there is none."""
    ann, bob = (make_contact(crm, by=firm.seller, name=name) for name in ("Ann", "Bob"))
    only = call(crm, firm, bob)
    call(crm, firm, ann)
    crm.advance("10d")
    wrong = call(crm, firm, ann)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Activity, wrong.id), Delete(Activity, only.id)])
    crm.advance("4d")
    assert silent(crm, firm) == ["Silent: Ann"]
    crm.advance("4w")
    assert len(silent(crm, firm)) == 1


def test_who_writes_need_not_see_whose_it_is(crm: CRM, firm: Firm) -> None:
    """An owner moves the seller's call to another contact: both timers are set anew, each for its own."""
    ann, bob = (make_contact(crm, by=firm.seller, name=name) for name in ("Ann", "Bob"))
    one = call(crm, firm, ann)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Activity, one.id, contact_id=bob.id)])
    crm.advance("2w")
    assert silent(crm, firm) == ["Silent: Bob"]


class TestNewRules:
    """A rule and its roll-up that come when records are there already."""

    @pytest.fixture
    def crm_plugins(self) -> Sequence[object]:
        return ()

    def test_it_waits_for_the_roll_up(self, crm: CRM, firm: Firm) -> None:
        """What was there is counted first; then the timers of the rule are set."""
        call(crm, firm, make_contact(crm, by=firm.seller, name="Ann"))
        database, plugins = crm.database, [WindowSales(), Silence()]
        with closing(CRM(engine=database.engine, schema=database.schema, plugins=plugins, clock=crm.clock)) as other:
            arm = partial(arming.arm, other.workspace, other.configuration, lambda: other.work(Principal.system("arm")))
            assert not arm()
            other.worker().run_once()
            assert arm()
            other.advance("2w")
            assert silent(other, firm) == ["Silent: Ann"]
