"""Whatever happens to a deal, in whatever order: its history, its log of stages and itself tell one story."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from opencrm import (
    Assign,
    Deal,
    Delete,
    DomainError,
    Kind,
    Move,
    NotFound,
    Restore,
    Undo,
    Update,
    assigning,
    pipelines,
    records,
    undoing,
)
from opencrm.storage import tables
from opencrm.testing import make_deal
from opencrm.testing.firm import WINDOWS

STAGES = [stage.key for stage in WINDOWS.stages]
ACTS = st.one_of(
    st.tuples(st.just("title"), st.sampled_from(["A", "B", "C"])),
    st.tuples(st.just("amount"), st.sampled_from([None, 1, 2])),
    st.tuples(st.just("move"), st.sampled_from([*STAGES, "nowhere"])),
    st.tuples(st.just("assign"), st.sampled_from(["seller", "fitter", "stranger"])),
    st.tuples(st.just("delete"), st.none()),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(st.just("undo"), st.integers(0, 9)),
)
STILL = ("updated_at", "created_at", "created_by", "version")


def do(crm, firm, id, act):
    """Do one thing to a deal; what the rules refuse is refused, and nothing else is raised."""
    what, value = act
    try:
        with crm.work(firm.owner) as work:
            if what in ("title", "amount"):
                records.update(work, [Update(Deal, id, values={what: value})])
            elif what == "move":
                pipelines.move(work, [Move(Deal, id, to=value)])
            elif what == "assign":
                assigning.assign(work, [Assign(Deal, id, owner=getattr(firm, value).id)])
            elif what == "undo":
                history = work.history(Deal, id)
                undoing.undo(work, [Undo(entry=history[value % len(history)].entry_id)])
            else:
                service, command = (records.delete, Delete) if what == "delete" else (records.restore, Restore)
                service(work, [command(Deal, id)])
    except (DomainError, NotFound):
        return


def story(crm, firm, id):
    """Return the deal, its history and its log of stages."""
    with crm.read(firm.owner) as reader:
        state = reader.states(Deal.spec, [id], deleted=None)[id]
        table = tables.stage_move
        statement = select(table).where(table.c.record_id == id).order_by(table.c.id)
        log = reader.tx.query(("story", id), lambda: statement, {})
        return state, reader.history(Deal, id), log


@settings(max_examples=30)
@given(acts=st.lists(ACTS, max_size=14))
def test_history_replayed_is_the_record(crm, firm, acts):
    """Each line begins where the one before ended, and the last ends at what is stored."""
    id = make_deal(crm).id
    for act in acts:
        crm.advance("1m")
        do(crm, firm, id, act)
    state, history, log = story(crm, firm, id)
    replayed = dict.fromkeys(state)
    for line in history:
        assert line.before is None or {name: replayed[name] for name in line.before} == dict(line.before)
        replayed |= line.after
    assert {name: replayed[name] for name in state if name not in STILL} == {
        name: value for name, value in state.items() if name not in STILL
    }
    assert [line.at for line in history] == sorted(line.at for line in history)
    check_log(state, history, log)


def check_log(state, history, log):
    """The log is a chain without gaps, in time, and ends in the present stage."""
    assert log[0]["start"] is None
    for one, other in pairwise(log):
        assert other["start"] == one["end"]
        assert other["seconds"] == (other["at"] - one["at"]).total_seconds() >= 0
    assert (log[-1]["end"], log[-1]["at"]) == (state["stage"], state["stage_since"])
    assert len(log) == 1 + sum(line.kind is Kind.MOVED for line in history)
    assert set(STAGES) >= {row["end"] for row in log}
    assert (state["closed_at"] is not None) == (state["stage"] in ("won", "lost"))
