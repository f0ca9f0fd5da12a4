"""Whatever was done, undone and done again: newest first, every undo gives the state before its act."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm import (
    Assign,
    Create,
    Deal,
    DealLine,
    Delete,
    DomainError,
    InputError,
    Move,
    NotFound,
    Query,
    Restore,
    Undo,
    UndoRefused,
    Update,
    assigning,
    pipelines,
    records,
    undoing,
)
from opencrm.services import journal
from opencrm.testing.firm import WINDOWS

STAGES = [stage.key for stage in WINDOWS.stages]
DEEDS = st.one_of(
    st.tuples(st.just("title"), st.sampled_from(["A", "B", "C"])),
    st.tuples(st.just("amount"), st.sampled_from([None, 1, 2])),
    st.tuples(st.just("move"), st.sampled_from(STAGES)),
    st.tuples(st.just("several"), st.sampled_from(STAGES)),
    st.tuples(st.just("assign"), st.sampled_from(["seller", "fitter", "stranger"])),
    st.tuples(st.just("line"), st.sampled_from([3, 4])),
    st.tuples(st.just("create"), st.none()),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("restore"), st.none()),
)
STEPS = st.one_of(DEEDS, DEEDS, st.tuples(st.sampled_from(["undo", "undo", "redo"]), st.sampled_from([0, -1])))
STILL = {"updated_at", "created_at", "created_by", "version", "stage_since", "deleted_at"}


def deed(work, firm, what, value):
    """Do something with the newest deal, living or deleted; return the lines."""
    id = max(all_of(work, Deal), default=None)
    if what == "create" or id is None:
        records.create(work, [Create(Deal, title="New", lines=[{"price": 1}])])
    elif what in ("title", "amount"):
        records.update(work, [Update(Deal, id, values={what: value})])
    elif what == "move":
        pipelines.move(work, [Move(Deal, id, to=value)])
    elif what == "several":
        records.update(work, [Update(Deal, id, values={"title": value})])
        pipelines.move(work, [Move(Deal, id, to=value)])
        records.update(work, [Update(Deal, id, values={"title": "Again", "source": "web"})])
    elif what == "assign":
        assigning.assign(work, [Assign(Deal, id, owner=getattr(firm, value).id)])
    elif what == "line":
        records.create(work, [Create(DealLine, deal_id=id, price=value)])
    else:
        service, command = (records.delete, Delete) if what == "delete" else (records.restore, Restore)
        service(work, [command(Deal, id)])


def all_of(reader, entity):
    """Return the ids of all records of an entity, deleted ones too."""
    several = (reader.stream(Query(entity, sort="id", deleted=deleted)) for deleted in (False, True))
    return [row.id for rows in several for row in rows]


def living(crm, firm):
    """Return what every living record holds."""
    with crm.read(firm.owner) as reader:
        return {
            (spec.name, id): {name: value for name, value in state.items() if name not in STILL}
            for spec in (Deal.spec, DealLine.spec)
            for id, state in reader.states(spec, all_of(reader, spec.cls)).items()
        }


class Story:
    """What was done and stands, and what was undone and can be done again."""

    def __init__(self, crm, firm):
        self.crm, self.firm = crm, firm
        self.standing, self.undone = [], []

    def do(self, what, value):
        """Do something, unless the rules refuse it or it changes nothing."""
        before = living(self.crm, self.firm)
        try:
            with self.crm.work(self.firm.owner) as work:
                deed(work, self.firm, what, value)
                done = journal.of_act(work.tx, work.act)
        except (DomainError, InputError, NotFound):
            return
        if done:
            self.standing.append(([work.act], before, living(self.crm, self.firm)))
            self.undone.clear()

    def undo(self, which):
        """Take the newest act back: by itself or, where it was undone and done again, by what did it again."""
        if self.standing:
            acts, before, after = self.standing.pop()
            self.undone.append((take_back(self.crm, self.firm, acts[which]), acts, before, after))
            assert living(self.crm, self.firm) == before

    def redo(self, _which):
        """Take the newest undo back."""
        if self.undone:
            undo, acts, before, after = self.undone.pop()
            self.standing.append(([*acts, take_back(self.crm, self.firm, undo)], before, after))
            assert living(self.crm, self.firm) == after


def take_back(crm, firm, act):
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=act)])
        return work.act


@settings(max_examples=40)
@given(steps=st.lists(STEPS, max_size=12))
def test_undone_newest_first_everything_is_as_it_was(crm, firm, steps):
    """A later act that was itself undone stands in nobody's way; done again, it is taken back by either name."""
    story = Story(crm, firm)
    for what, value in steps:
        crm.advance("1m")
        getattr(story, what)(value) if what in ("undo", "redo") else story.do(what, value)
    while story.standing:
        story.undo(-1)


@settings(max_examples=20)
@given(earlier=DEEDS, later=DEEDS)
def test_what_stands_is_in_the_way_until_it_is_undone(crm, firm, earlier, later):
    """An act is refused while a later one that stands touched the same field, and goes once that is undone."""
    story = Story(crm, firm)
    story.do("create", None)
    story.do(*earlier)
    story.do(*later)
    acts = [act for [act], _, _ in story.standing]
    with crm.read(firm.owner) as reader:
        told = [fields_of(journal.of_act(reader.tx, act)) for act in acts[1:]]
    if len(told) == 2 and told[0] & told[1]:
        before = living(crm, firm)
        with pytest.raises(UndoRefused):
            take_back(crm, firm, acts[1])
        assert living(crm, firm) == before
    while story.standing:
        story.undo(-1)


def fields_of(rows):
    return {(row["record_id"], name) for row in rows for name in row["after"]}
