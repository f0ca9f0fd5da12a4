"""What the moves that follow from a task ask for: whoever finishes it may give that with the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entity import Spec
from opencrm.core.pipeline import moved
from opencrm.core.process.actions import MoveRecord
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.reactions import Reaction
from opencrm.errors import OpenCRMError
from opencrm.services.process.entering.asking import holds, unmet

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader


def asked_after(reader: Reader, change: Change, spec: Spec, state: Values) -> Iterator[Form]:
    """Give the forms of what a record lacks for the moves that follow from its task, as it stands.

    Args:
        reader: Whoever finishes the task.
        change: The change by which it is done.
        spec: The entity of the task's record.
        state: The record.
    """
    for reaction in reader.configuration.catalogue.process.reactions(change):
        if reaction.record_id == state["id"] and _meets(reader, spec, reaction, state):
            for action in reaction.actions:
                if isinstance(action, MoveRecord):
                    yield from _of_move(reader, spec, state, action.to)


def _of_move(reader: Reader, spec: Spec, state: Values, to: str) -> Iterator[Form]:
    try:
        change = moved(reader.configuration.catalogue.pipelines, spec.name, state, to, reader.now)
    except OpenCRMError:
        return  # The move itself says what is wrong with it.
    if change.kind is Kind.MOVED:
        yield from (it.form for it in unmet(reader, change) if it.form is not None)


def _meets(reader: Reader, spec: Spec, reaction: Reaction, state: Values) -> bool:
    when = None if reaction.rule is None else reaction.rule.when
    return when is None or holds(reader, spec, when, state)
