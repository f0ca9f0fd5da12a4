"""What no declaration may say: it would break when it comes to be done. The message names the field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from opencrm import Calendar, Deal, Equal, Escalation, Sla, Stage, TaskSpec, after, before, by, wait

ENDLESS = "99999999w"
HOUR = Calendar("hour", hours="Mo 09:00-10:00", zone="UTC")
ABSURD: list[tuple[str, Callable[[], object]]] = [
    ("duration", lambda: wait(ENDLESS)),
    ("duration", lambda: after(Deal, "expected_close", ENDLESS)),
    ("duration", lambda: before(Deal, "expected_close", ENDLESS)),
    ("high", lambda: by("source", high=ENDLESS)),
    ("otherwise", lambda: by("source", otherwise=ENDLESS)),
    ("due", lambda: TaskSpec("call", due=ENDLESS)),
    ("due", lambda: TaskSpec("call", due="5300w")),
    ("task 'call': due", lambda: TaskSpec("call", due="6000h", calendar=HOUR)),
    ("task 'call': due", lambda: TaskSpec("call", due=by("source", high="6000h"), calendar=HOUR)),
    ("task 'call': slot", lambda: TaskSpec("call", slot="6000h", calendar=HOUR)),
    ("slot", lambda: TaskSpec("call", slot="0m")),
    ("reminders", lambda: TaskSpec("call", reminders=[ENDLESS])),
    ("at", lambda: Escalation(f"+{ENDLESS}")),
    ("at", lambda: Escalation("5m")),
    ("repeat", lambda: Escalation(repeat="0m", most=3)),
    ("repeat", lambda: Escalation(repeat=ENDLESS, most=3)),
    ("most", lambda: Escalation(repeat="100w", most=100)),
    ("rots_after", lambda: Stage("offer", rots_after=ENDLESS)),
    ("rots_after", lambda: Stage("offer", rots_after="0d")),
    ("probability", lambda: Stage("offer", probability=500)),
    ("probability", lambda: Stage("offer", probability=-1)),
    ("tasks", lambda: Stage("offer", tasks=[TaskSpec("call"), TaskSpec("call", due="1h")])),
    ("targets", lambda: promise(ENDLESS)),
    ("targets", lambda: promise("6000h", calendar=HOUR)),
]


def promise(targets: str, **more: Calendar) -> Sla:
    start, stop = Equal("stage", "new"), Equal("stage", "won")
    return Sla("answer", on=Deal, start=start, stop=stop, targets=targets, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name, declared", ABSURD)
def test_it_is_refused_by_its_name(name: str, declared: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        declared()


def test_what_is_long_and_can_be_is_taken() -> None:
    spec = TaskSpec("call", due="5200w", slot="2d", reminders=["52w"], escalations=[Escalation("+99w")])
    assert spec.due == "5200w"
    assert [Stage("offer", probability=it).chance for it in (0, 100)] == [0, 100]


def test_a_step_beyond_all_calendars_never_comes() -> None:
    """A task may be given a date by hand that no declaration knew of."""
    spec = TaskSpec("call", escalations=[Escalation("+5200w")], calendar=HOUR)
    assert [rung.escalation for rung in spec.ladder(datetime(9500, 1, 1, tzinfo=UTC), HOUR)] == [None]


def test_a_wait_that_takes_no_time_is_none():
    """Loops are broken by waiting: one of no time would go round at once."""
    with pytest.raises(ValueError, match="duration: a wait takes some time"):
        wait("0s")
