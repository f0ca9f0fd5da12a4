"""Whoever is given a task is told what and when; what was for somebody whom nobody finds is told to somebody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Assign,
    Create,
    Deal,
    Escalation,
    History,
    Membership,
    Move,
    Pipeline,
    Principal,
    Query,
    Rule,
    Stage,
    Task,
    TaskSpec,
    Undo,
    Update,
    User,
    assign,
    assigning,
    changed,
    give,
    head_of,
    hookimpl,
    notify,
    organisation,
    owner,
    person,
    pick,
    pipelines,
    records,
    undoing,
)
from opencrm.core.process.values import LONGEST_TEXT
from opencrm.services.notifying import choices
from opencrm.services.process.tasking import handing
from opencrm.testing import MONDAY, Firm, inbox, make_deal, make_task

FIT = TaskSpec("fit", title="Fit {title}", owner=pick("firm_seller", within="north_field"), slot="2h")
CHASE = TaskSpec("chase", title="Chase", due="1h", escalations=[Escalation("+1h", reassign=True)])
KEPT = TaskSpec("kept", title="Keep an eye on it", due="1w", stays=True)
WORK = Pipeline(
    "work",
    [
        "new",
        Stage("fitting", tasks=[FIT]),
        Stage("chasing", tasks=[CHASE]),
        Stage("keeping", tasks=[KEPT]),
        Stage("over", kind="won", do=[notify(head_of(owner), "Over: {title}")]),
    ],
    moves={("*", to) for to in ("new", "fitting", "chasing", "keeping", "over")},
)
NOBODY = pick("firm_lead", within="south")


class Fitting:
    """The plugin that brings the work, and rules about people who are there and who are not."""

    name = "fitting"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield WORK

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        ann = person("Fitter@Example.COM")
        yield Rule(
            "named", on=changed(Deal, "source"), do=[notify(ann, "See {title}"), give(TaskSpec("see", owner=ann))]
        )
        yield Rule("passed", on=changed(Deal, "lost_reason"), do=[assign(NOBODY)])
        yield Rule("said", on=changed(Deal, "description"), do=[notify(NOBODY, "Look at {title}")])
        yield Rule("unsaid", on=changed(Deal, "expected_close"), do=[notify(NOBODY, "x" * LONGEST_TEXT)])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Fitting()]


def begun(crm: CRM, firm: Firm, **fields: Any) -> str:
    return str(make_deal(crm, by=firm.seller, title="Bay window", pipeline="work", **fields).id)


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, id, values=values)])


def move(crm: CRM, firm: Firm, id: str, to: str) -> None:
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, id, to=to)])


def behead(crm: CRM, firm: Firm) -> None:
    """Leave the company without a head."""
    with crm.work(Principal.system("leave the company without a head")) as work:
        [seat] = [it for it in work.list(Query(Membership)) if it.user_id == firm.owner.id]
        records.update(work, [Update(Membership, seat.id, is_head=False)])


class TestWhoeverIsGivenATask:
    def test_is_told_by_when(self, crm: CRM, firm: Firm) -> None:
        make_task(crm, by=firm.head, owner_id=firm.seller.id, title="Call", due_at=MONDAY + timedelta(hours=3))
        assert inbox(crm, firm.seller) == ["New task: Call, due 2026-03-02 12:00"]

    def test_is_told_when_an_appointment_is(self, crm: CRM, firm: Firm) -> None:
        move(crm, firm, begun(crm, firm), "fitting")
        assert inbox(crm, firm.fitter) == ["New task: Fit Bay window, 2026-03-02 09:00 to 2026-03-02 11:00"]

    def test_is_told_of_one_without_a_date(self, crm: CRM, firm: Firm) -> None:
        make_task(crm, by=firm.head, owner_id=firm.seller.id, title="Tidy up")
        assert inbox(crm, firm.seller) == ["New task: Tidy up"]

    def test_is_not_told_of_their_own_doing(self, crm: CRM, firm: Firm) -> None:
        made = make_task(crm, by=firm.head, owner_id=firm.seller.id, title="Call")
        make_task(crm, by=firm.seller, title="Mine")
        with crm.work(firm.head) as work:
            assigning.assign(work, [Assign(Task, made.id, owner=firm.head.id)])
        assert [inbox(crm, who) for who in (firm.head, firm.seller)] == [[], ["New task", "No longer yours: Call"]]

    def test_is_not_told_of_what_follows_from_their_own_doing(self, crm: CRM, firm: Firm) -> None:
        """But others are, and so are they where somebody else's act gives it to them."""
        id = begun(crm, firm)
        with crm.work(firm.seller) as work:
            pipelines.move(work, [Move(Deal, id, to="chasing")])
        assert inbox(crm, firm.seller) == []
        for to in ("new", "chasing"):
            move(crm, firm, id, to)
        assert inbox(crm, firm.seller) == ["New task: Chase, due 2026-03-02 10:00"]

    def test_is_not_told_of_what_is_over(self, crm: CRM, firm: Firm) -> None:
        past = History(created_at=MONDAY - timedelta(days=9))
        with crm.work(firm.owner) as work:
            records.create(work, [Create(Task, title="Done", state="done", owner_id=firm.seller.id)])
        with crm.work(firm.owner, origin="old system") as work:
            records.create(work, [Create(Task, title="Old", owner_id=firm.seller.id, history=past)])
        assert inbox(crm, firm.seller) == []

    def test_is_told_once_of_many(self, crm: CRM, firm: Firm) -> None:
        with crm.work(firm.head) as work:
            several = [Create(Task, title=f"T{at}", owner_id=firm.seller.id) for at in range(handing.MOST + 1)]
            made = records.create(work, several)
        with crm.work(firm.head) as work:
            assigning.assign(work, [Assign(Task, it.record_id, owner=firm.lead.id) for it in made])
        assert inbox(crm, firm.lead) == ["21 new tasks, such as T0"]
        assert inbox(crm, firm.seller)[-1] == "21 tasks are no longer yours"

    def test_is_told_where_they_chose(self, crm: CRM, firm: Firm) -> None:
        with crm.work(firm.seller) as work:
            choices.choose(work, "task", "inbox", wanted=False)
        make_task(crm, by=firm.head, owner_id=firm.seller.id)
        assert inbox(crm, firm.seller) == []

    def test_costs_one_statement(self, crm: CRM, firm: Firm, statements: Any) -> None:
        """The names are stored in one go, however many tasks there are."""
        several = [Create(Task, title=f"T{at}", owner_id=firm.seller.id) for at in range(5)]
        mine = [Create(Task, title=f"M{at}", owner_id=firm.head.id) for at in range(5)]
        needed = []
        for commands in (mine, mine, several):
            statements.clear()
            with crm.work(firm.head) as work:
                records.create(work, commands)
            needed.append([it for it in statements.texts if "pg_notify" not in it])
        own, given = (Counter(text[:35] for text in texts) for texts in needed[1:])
        assert (given - own).total() <= 3, needed[2]  # Where the owner sits, whether in reach, and the notifications.
        assert sum("INTO crm_notification" in text.replace(f"{crm.database.schema}.", "") for text in needed[2]) == 1


def test_whoever_loses_a_task_is_told_which(crm: CRM, firm: Firm) -> None:
    """They cannot read it any more: it is told by its name as it was."""
    id = begun(crm, firm)
    move(crm, firm, id, "chasing")
    with crm.work(firm.seller) as work:
        [task] = work.list(Query(Task))
        records.update(work, [Update(Task, task.id, title="Chase {braces}")])
    crm.advance("2h")
    assert inbox(crm, firm.seller)[-1] == "No longer yours: Chase (braces)"
    assert inbox(crm, firm.head) == ["Overdue: Chase {braces}", "New task: Chase {braces}, due 2026-03-02 10:00"]


def test_taking_back_tells_nobody(crm: CRM, firm: Firm) -> None:
    task = make_task(crm, by=firm.head, owner_id=firm.seller.id)
    with crm.work(firm.head) as work:
        [line] = assigning.assign(work, [Assign(Task, task.id, owner=firm.head.id)])
    told = inbox(crm, firm.seller)
    with crm.work(firm.head) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
    assert len(inbox(crm, firm.seller)) == len(told)


class TestWhoeverHasAnAppointment:
    @pytest.fixture
    def fit(self, crm: CRM, firm: Firm) -> str:
        """The fitter's appointment, from 9 to 11; what they were told of it is read."""
        move(crm, firm, begun(crm, firm), "fitting")
        with crm.read(firm.owner) as reader:
            [task] = reader.list(Query(Task))
        return str(task.id)

    def put(self, crm: CRM, by: Principal, id: str, hours: int | None, **values: Any) -> None:
        start = None if hours is None else MONDAY + timedelta(hours=hours)
        end = None if start is None else start + timedelta(hours=2)
        with crm.work(by) as work:
            records.update(work, [Update(Task, id, values={"starts_at": start, "ends_at": end, **values})])

    def test_is_told_where_somebody_else_moves_it(self, crm: CRM, firm: Firm, fit: str) -> None:
        """In their own zone."""
        with crm.work(firm.owner) as work:
            records.update(work, [Update(User, firm.fitter.id, zone="Asia/Tokyo")])
        self.put(crm, firm.owner, fit, 4)
        moved = "Moved to another time: Fit Bay window, 2026-03-02 22:00 to 2026-03-03 00:00"
        assert inbox(crm, firm.fitter)[1:] == [moved]

    def test_is_told_that_it_is_none_any_more(self, crm: CRM, firm: Firm, fit: str) -> None:
        self.put(crm, firm.owner, fit, None)
        assert inbox(crm, firm.fitter)[1:] == ["No longer an appointment: Fit Bay window"]

    def test_is_not_told_where_they_move_it(self, crm: CRM, firm: Firm, fit: str) -> None:
        self.put(crm, firm.fitter, fit, 4)
        assert inbox(crm, firm.fitter)[1:] == []

    def test_is_not_told_of_other_changes_nor_of_what_is_over(self, crm: CRM, firm: Firm, fit: str) -> None:
        self.put(crm, firm.owner, fit, 0, title="Fit a window")
        self.put(crm, firm.owner, fit, 4, state="cancelled")
        assert inbox(crm, firm.fitter)[1:] == []

    def test_that_changes_hands_too_is_told_as_new(self, crm: CRM, firm: Firm, fit: str) -> None:
        with crm.work(firm.owner) as work:
            times = {"starts_at": MONDAY + timedelta(hours=4), "ends_at": MONDAY + timedelta(hours=6)}
            records.update(work, [Update(Task, fit, values=times)])
            assigning.assign(work, [Assign(Task, fit, owner=firm.seller.id)])
        assert inbox(crm, firm.seller) == ["New task: Fit Bay window, 2026-03-02 13:00 to 2026-03-02 15:00"]
        assert inbox(crm, firm.fitter)[-1] == "No longer yours: Fit Bay window"

    def test_is_told_once_of_many(self, crm: CRM, firm: Firm) -> None:
        with crm.work(firm.head) as work:
            several = [Create(Task, title=f"T{at}", owner_id=firm.seller.id) for at in range(handing.MOST + 1)]
            made = [it.record_id for it in records.create(work, several)]
        times = {"starts_at": MONDAY, "ends_at": MONDAY + timedelta(hours=1)}
        with crm.work(firm.head) as work:
            records.update(work, [Update(Task, id, values=times) for id in made])
        assert inbox(crm, firm.seller)[1:] == ["21 appointments were moved, such as T0"]


def test_a_task_that_stays_is_given_once(crm: CRM, firm: Firm) -> None:
    """A record that comes and goes piles none up; where the task is done, the next visit gives another."""
    id = begun(crm, firm)
    for to in ("keeping", "new", "keeping", "new", "keeping"):
        move(crm, firm, id, to)
    with crm.work(firm.owner) as work:
        [kept] = work.list(Query(Task))
        records.update(work, [Update(Task, kept.id, state="done")])
    move(crm, firm, id, "new")
    move(crm, firm, id, "keeping")
    with crm.read(firm.owner) as reader:
        assert sorted(it.state for it in reader.list(Query(Task))) == ["done", "open"]


def test_a_person_is_found_by_their_address(crm: CRM, firm: Firm) -> None:
    change(crm, firm, begun(crm, firm), source="web")
    with crm.read(firm.owner) as reader:
        assert [it.owner_id for it in reader.list(Query(Task))] == [firm.fitter.id]
    assert inbox(crm, firm.fitter) == ["See Bay window", "New task: See"]


def test_a_person_has_an_address() -> None:
    with pytest.raises(ValueError, match=r"^email: "):
        person("the boss")


class TestASelectorWithNobody:
    def test_tells_the_head_of_the_unit_of_what_was_to_be_told(self, crm: CRM, firm: Firm) -> None:
        change(crm, firm, begun(crm, firm), description="A")
        assert inbox(crm, firm.head) == ["Nobody was found to be told: Look at Bay window"]

    def test_tells_of_what_was_to_be_given(self, crm: CRM, firm: Firm) -> None:
        change(crm, firm, begun(crm, firm), lost_reason="price")
        assert inbox(crm, firm.head) == ["Nobody was found who could have this"]

    def test_tells_of_a_text_that_is_as_long_as_texts_may_be(self, crm: CRM, firm: Firm) -> None:
        change(crm, firm, begun(crm, firm), expected_close="2026-04-01")
        assert inbox(crm, firm.head) == ["x" * LONGEST_TEXT]

    def test_tells_whoever_stands_at_the_top(self, crm: CRM, firm: Firm) -> None:
        id = str(make_deal(crm, by=firm.owner, title="Bay window", pipeline="work").id)
        move(crm, firm, id, "over")
        assert inbox(crm, firm.owner) == ["Nobody was found to be told: Over: Bay window"]

    def test_tells_the_owner_where_no_unit_has_a_head(self, crm: CRM, firm: Firm) -> None:
        behead(crm, firm)
        id = str(make_deal(crm, by=firm.stranger, title="Bay window", pipeline="work").id)
        change(crm, firm, id, description="A")
        assert inbox(crm, firm.stranger) == ["Nobody was found to be told: Look at Bay window"]

    def test_tells_the_owners_of_the_workspace_where_there_is_nobody_else(self, crm: CRM, firm: Firm) -> None:
        behead(crm, firm)
        id = str(make_deal(crm, by=firm.owner, pipeline="work", owner_id=None, unit_id=firm.units["south"]).id)
        change(crm, firm, id, lost_reason="price")
        move(crm, firm, id, "chasing")
        told = ["Nobody was found who could have this", "Nobody has this task: Chase"]
        assert inbox(crm, firm.owner) == told

    def test_tells_of_a_task_of_somebody_who_is_gone(self, crm: CRM, firm: Firm) -> None:
        with crm.work(firm.owner) as work:
            organisation.disable(work, firm.fitter.id)
        move(crm, firm, begun(crm, firm), "fitting")
        assert inbox(crm, firm.head) == ["Nobody has this task: Fit Bay window"]
