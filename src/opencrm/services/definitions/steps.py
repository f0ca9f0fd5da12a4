"""What applying definitions does, step by step, and how many records that touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from opencrm.core.conditions import Empty, Not
from opencrm.core.entities import CustomField
from opencrm.errors import InputError
from opencrm.services import records
from opencrm.services.commands import Create, Update
from opencrm.services.reading.counting import Count

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

Act: TypeAlias = Literal["create", "change", "retire", "restore"]
Faults: TypeAlias = dict[str, list[str]]
"""What is wrong with which words of a text, such as `fields[1].kind`."""


@attrs.frozen
class Step:
    """One thing that applying a text does.

    Attributes:
        act: What.
        entity: The entity's name.
        key: The field's name, after the step.
        id: The definition; None where it is made.
        values: What is set.
        before: What stood there.
        at: Which table of the text asks for it, counted from 1; None where none does.
    """

    act: Act
    entity: str
    key: str
    id: str | None
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    at: int | None = None

    def __str__(self) -> str:
        new = {name: value for name, value in self.values.items() if name != "retired" and self.act != "create"}
        told = ", ".join(f"{name}: {self.before.get(name)!r} > {value!r}" for name, value in new.items())
        return f"{self.act} {self.entity}.{self.key}" + (f" ({told})" if told else "")


def do_each(work: Work, steps: Iterable[Step]) -> Faults:
    """Do what can be done of the steps, and return what is wrong with the others."""
    wrong: Faults = {}
    for step in sorted(steps, key=_turn):
        try:
            with work.savepoint():
                _do(work, step)
        except InputError as error:
            place = f"{step.entity}.{step.key}"
            own = place if step.at is None else f"fields[{step.at}]"
            wrong |= {f"{own}.{name}": [f"{place}: {text}" for text in texts] for name, texts in error.fields.items()}
    return wrong


def holding(reader: Reader, step: Step) -> Count:
    """Return how many living records hold a value in the field of a step, counted up to a limit."""
    name = str(step.before.get("key", step.key))
    spec = reader.entity(step.entity)
    if step.id is None or name not in spec.fields:
        return Count(0)
    return reader.count(spec, Not(Empty(name)))


def _turn(step: Step) -> int:
    """Return when a step is done: a roll-up is made after the fields that it looks at, and goes before them."""
    computed = (step.values.get("rollup") or step.before.get("rollup")) is not None
    return int(computed) if step.act != "retire" else -1 if computed else 2


def _do(work: Work, step: Step) -> None:
    if step.id is None:
        records.create(work, [Create(CustomField, values=step.values)])
    else:
        records.update(work, [Update(CustomField, step.id, values=step.values)])
