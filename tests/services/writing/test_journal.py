"""What the journal keeps, and who may read it."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Contact,
    Create,
    Deal,
    Delete,
    Kind,
    Move,
    NotFound,
    Principal,
    Restore,
    Role,
    Update,
    assigning,
    pipelines,
    records,
)
from opencrm.storage import tables
from opencrm.testing import make_contact, make_deal


def newest(rows):
    return rows(tables.journal)[-1]


def test_a_line_says_who_did_what_when_and_from_where(crm, firm, rows):
    """Principal, act, instant, origin and both states stand in one row."""
    deal = make_deal(crm, by=firm.seller)
    crm.advance("1h")
    with crm.work(firm.head, origin="file deals.csv") as work:
        records.update(work, [Update(Deal, deal.id, title="Doors")])
        act = work.act
    row = newest(rows)
    assert (row["entity"], row["record_id"], row["kind"]) == ("deal", deal.id, "changed")
    assert (row["principal"], row["acting_as"], row["cause"]) == (f"user:{firm.head.id}", None, None)
    assert (row["origin"], row["act"], row["at"]) == ("file deals.csv", act, crm.clock.now())
    assert (row["before"], row["after"]) == ({"title": "Windows"}, {"title": "Doors"})


def test_all_of_a_block_is_one_act(crm, firm, rows):
    """Two services in one block share the act's id; two blocks do not."""
    with crm.work(firm.seller) as work:
        [deal] = records.create(work, [Create(Deal, title="A")])
        pipelines.move(work, [Move(Deal, deal.record_id, to="offer")])
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, deal.record_id)])
    acts = [row["act"] for row in rows(tables.journal) if row["record_id"] == deal.record_id]
    assert acts[0] == acts[1] != acts[2]


class TestActingAs:
    @pytest.fixture
    def crm_plugins(self):
        from opencrm import Grant, Scope, hookimpl

        class Follower:
            @hookimpl
            def opencrm_register_grants(self):
                yield Grant("deal", "create", Scope.ALL)
                yield Grant("deal", "read", Scope.ALL)

        return [Follower()]

    def test_a_rule_acts_for_somebody_and_both_are_told(self, crm, firm, rows):
        """The journal names who began, as whom it went on, and what caused it."""
        with crm.work(firm.seller) as work:
            [first] = records.create(work, [Create(Deal, title="A")])
            with work.acting_as("follower", cause=first.entry_id) as automation:
                records.create(automation, [Create(Deal, title="B")])
        row = newest(rows)
        assert (row["principal"], row["acting_as"]) == (f"user:{firm.seller.id}", "automation:follower")
        assert (row["cause"], row["act"]) == (first.entry_id, first.act)

    def test_a_rule_does_no_more_than_it_was_granted(self, crm, firm):
        """It acts with its own grants, not with those of whom it acts for."""
        from opencrm import PermissionDenied

        deal = make_deal(crm, by=firm.owner)
        with crm.work(firm.owner) as work, work.acting_as("follower") as rule, pytest.raises(PermissionDenied):
            records.update(rule, [Update(Deal, deal.id, title="B")])

    def test_who_is_not_enabled_cannot_act(self, crm, firm):
        """No automation without a plugin that is active here."""
        from opencrm import NotSignedIn

        with crm.work(firm.owner) as work, pytest.raises(NotSignedIn), work.acting_as("nobody"):
            pass


def test_the_system_writes_down_its_reason(crm, firm, rows):
    """What the system does carries why, in the journal."""
    with crm.work(Principal.system("yearly clean-up")) as work:
        records.create(work, [Create(Contact, name="Ann")])
    assert (newest(rows)["principal"], newest(rows)["origin"]) == ("system", "system: yearly clean-up")
    with pytest.raises(ValueError, match="reason"):
        Principal.system(" ")


def test_history_tells_a_records_life_in_order(crm, firm):
    """Each step has its kind; a creation has no before."""
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, title="B")])
        pipelines.move(work, [Move(Deal, deal.id, to="offer")])
        records.delete(work, [Delete(Deal, deal.id)])
        records.restore(work, [Restore(Deal, deal.id)])
    with crm.read(firm.seller) as reader:
        history = reader.history(Deal, deal.id)
    kinds = [Kind.CREATED, Kind.CHANGED, Kind.MOVED, Kind.DELETED, Kind.RESTORED]
    assert [entry.kind for entry in history] == kinds
    assert history[0].before is None
    assert history[2].after["stage"] == "offer"


def test_history_keeps_types(crm, firm):
    """A day comes back as a day, an amount as an exact number."""
    deal = make_deal(crm, amount="1.5", expected_close="2026-04-01")
    with crm.read(firm.owner) as reader:
        [entry] = reader.history(Deal, deal.id)
    assert (entry.after["amount"], entry.after["expected_close"]) == (deal.amount, deal.expected_close)


def test_history_has_no_hidden_fields(crm, firm):
    """A field that may not be read is in no line, and a line of nothing else is none."""
    contact = make_contact(crm, by=firm.seller)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, contact.id, birthday="1990-01-01", source="web")])
        records.update(work, [Update(Contact, contact.id, birthday="1991-01-01")])
    with crm.read(firm.seller) as reader:
        seen = reader.history(Contact, contact.id)
    with crm.read(firm.owner) as reader:
        everything = reader.history(Contact, contact.id)
    assert [dict(entry.after).get("birthday") for entry in seen] == [None, None]
    assert dict(seen[1].after) == {"source": "web"}
    assert len(everything) == 3


def test_who_does_not_see_the_record_has_no_history_of_it(crm, firm):
    """The stranger gets the same answer as for a record that never was."""
    deal = make_deal(crm, by=firm.seller)
    with crm.read(firm.stranger) as reader:
        with pytest.raises(NotFound) as hidden:
            reader.history(Deal, deal.id)
        with pytest.raises(NotFound) as never:
            reader.history(Deal, "0190a000-0000-7000-8000-000000000000")
    assert str(hidden.value) == str(never.value)


def test_the_answer_to_a_write_has_readable_fields_only(crm, firm):
    """Whoever may not read a birthday does not get one back."""
    contact = make_contact(crm, by=firm.owner, owner_id=firm.seller.id, birthday="1990-01-01")
    with crm.work(firm.seller) as work:
        [entry] = records.delete(work, [Delete(Contact, contact.id)])
    assert "birthday" not in {**entry.after, **(entry.before or {})}


def test_a_move_or_an_assignment_of_which_nothing_may_be_read_is_no_line(crm, firm):
    """Not even that it happened is told."""
    hidden = ("pipeline", "stage", "stage_since", "closed_at", "owner_id", "unit_id")
    rules = [{"entity": "deal", "field": name, "read": False, "write": False} for name in hidden]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], field_rules=rules)])
    deal = make_deal(crm, by=firm.seller)
    crm.advance("1h")
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="lost")])
        assigning.assign(work, [Assign(Deal, deal.id, owner=firm.fitter.id)])
    with crm.read(firm.viewer) as reader:
        assert [line.kind for line in reader.history(Deal, deal.id)] == [Kind.CREATED]
    with crm.read(firm.owner) as reader:
        assert [line.kind for line in reader.history(Deal, deal.id)] == [Kind.CREATED, Kind.MOVED, Kind.ASSIGNED]
