"""Where the answers go that a task is finished with: to its own form, or to what the next stage asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opencrm.core.change import Values
from opencrm.core.process.actions import FillIn
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.values import Id


def filled(task: TaskSpec, state: Values) -> Iterator[FillIn]:
    """Give what puts the answers to a task's own form into its record."""
    others = beyond(task, state)
    answers = {name: it for name, it in (state["answers"] or {}).items() if name not in others}
    if task.form is not None and answers:
        yield FillIn(task.form, answers, state["owner_id"])


def beyond(task: TaskSpec, state: Values) -> dict[str, Any]:
    """Return the answers that a task's own form does not ask for."""
    own = () if task.form is None else names_of(task.form)
    return {name: it for name, it in (state["answers"] or {}).items() if name not in own}


def filled_beside(asked: Mapping[str, Form], answers: Values, owner_id: Id | None) -> Iterator[FillIn]:
    """Give what puts answers into a record for which its next stage asks.

    Args:
        asked: The forms of stages that make records of their own, by what the answers to them stand under.
        answers: The answers.
        owner_id: Who gave them.
    """
    flat = {name: it for name, it in answers.items() if name not in asked}
    if flat:
        yield FillIn(Form("answers", tuple(flat)), flat, owner_id)
    yield from (FillIn(asked[name], {name: answers[name]}, owner_id) for name in answers if name not in flat)


def names_of(form: Form) -> tuple[str, ...]:
    """Return the names that the answers to a form stand under."""
    return form.fields if form.of is None else (form.key,)
