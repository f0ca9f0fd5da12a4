"""What applying roles as text does, step by step, and whom that affects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from opencrm.core.conditions import AnyOf, Empty, Equal, Greater, all_of
from opencrm.core.entities import Membership, Role, User
from opencrm.core.values import Id
from opencrm.errors import InputError, OpenCRMError
from opencrm.services import records
from opencrm.services.commands import Create, Delete, Update
from opencrm.services.definitions.roles.packing import told
from opencrm.services.reading.naming import names_of
from opencrm.services.reading.rows import Query

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

Act: TypeAlias = Literal["create", "change", "delete"]
Faults: TypeAlias = dict[str, list[str]]
"""What is wrong with which words of a text, such as `roles[1].grants`."""

Holders: TypeAlias = Mapping[Id, str]
"""People by id, each with the name."""

LISTS = ("grants", "delegable", "field_rules")
_TURN = ("create", "change", "delete")
_NUMBERED = re.compile(r"^(?:grant|field rule) (\d+)(?=:)")


@attrs.frozen
class Step:
    """One thing that applying a text does.

    Attributes:
        act: What.
        key: The role's key, after the step.
        id: The role; None where it is made.
        values: What is set.
        before: What stood there.
        at: Which table of the text asks for it, counted from 1; None where none does.
    """

    act: Act
    key: str
    id: Id | None
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    at: int | None = None

    def __str__(self) -> str:
        return "\n".join([f"{self.act} {self.key}", *(f"  {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        if self.act == "delete":
            return
        for name, value in self.values.items():
            if name not in LISTS:
                yield f"{name}: {value!r}" if self.id is None else f"{name}: {self.before.get(name)!r} > {value!r}"
        for name in LISTS:
            if name in self.values:
                yield from _difference(name, self.before.get(name) or (), self.values[name])


def do_each(work: Work, steps: Iterable[Step]) -> Faults:
    """Do what can be done of the steps, and return what is wrong with the others.

    Raises:
        PermissionDenied, DomainError: With the name of the role whose step is refused.
    """
    wrong: Faults = {}
    for step in sorted(steps, key=lambda step: _TURN.index(step.act)):
        try:
            with work.savepoint():
                _do(work, step)
        except InputError as error:
            wrong |= _faults(step, error)
        except OpenCRMError as error:
            error.args = (f"role {step.key}: {error}",)
            raise
    return wrong


def holders(reader: Reader, step: Step) -> Holders:
    """Return the people who hold the role of a step now or later, as far as the reader may know of them."""
    if step.id is None:
        return {}
    lasting = AnyOf((Empty("valid_to"), Greater("valid_to", reader.now)))
    query: Query[Any] = Query(Membership, where=all_of((Equal("role_id", step.id), lasting)), fields=["user_id"])
    users = dict.fromkeys(record["user_id"] for record in reader.stream(query))
    names = names_of(reader, reader.entity(User), users)
    return dict(sorted(((id, name or id) for id, name in names.items()), key=lambda it: it[1]))


def _difference(name: str, before: Iterable[Any], after: Iterable[Any]) -> Iterator[str]:
    old, new = ({told(row): None for row in rows} for rows in (before, after))
    yield from (f"{name} - {line}" for line in old if line not in new)
    yield from (f"{name} + {line}" for line in new if line not in old)


def _do(work: Work, step: Step) -> None:
    if step.act == "delete":
        records.delete(work, [Delete(Role, step.id or "")])
    elif step.id is None:
        records.create(work, [Create(Role, values=step.values)])
    else:
        records.update(work, [Update(Role, step.id, values=step.values)])


def _faults(step: Step, error: InputError) -> Faults:
    place = step.key if step.at is None else f"roles[{step.at}]"
    return {
        f"{place}.{name}": [f"{step.key}: {_named(step, name, text)}" for text in texts]
        for name, texts in error.fields.items()
    }


def _named(step: Step, name: str, text: str) -> str:
    """Say which grant is wrong by what it is: the text has several in one line."""
    rows = step.values.get(name)
    return _NUMBERED.sub(lambda found: told(rows[int(found[1]) - 1]), text) if name in LISTS and rows else text
