"""Telling people of what came by web forms and would not be seen otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opencrm.core.entity import Spec
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.values import Id
from opencrm.services.process.notifying import Told, tell
from opencrm.services.process.tasking import nobody, selecting
from opencrm.services.writing.judging.organisation import owners

if TYPE_CHECKING:
    from opencrm.services.writing.block import Block
    from opencrm.services.writing.work import Work

KIND = "form"
_PLAIN = str.maketrans("{}", "()")


def again(work: Block, form: WebForm, spec: Spec, record: Id) -> None:
    """Tell whose a record is that somebody wrote about it by a form."""
    state = work.states(spec, [record]).get(record, {})
    shown = spec.options.display
    text = f"{_label(form)}: somebody wrote about {{{shown}}}" if shown in spec.fields else _label(form)
    _tell(work, whose(work, state), text, (spec.name, record))


def unowned(work: Work, form: WebForm, entity: str, record: Id) -> None:
    """Tell whoever answers for a record for which a form's selector found nobody, where nobody has it by now."""
    spec = work.entity(entity)
    state = work.whole(spec, [record]).get(record)
    if state is not None and state.get("owner_id") is None:
        nobody.tell_instead(work, spec, [state], f"{_label(form)}: {nobody.UNOWNED}", kind=KIND)


def refused(work: Block, form: WebForm, people: Iterable[Id], about: tuple[str, Id], named: str | None = None) -> None:
    """Tell people that what came by a form could not become what the form says."""
    of = "" if named is None else f" of {{{named}}}"
    _tell(work, people, f"{_label(form)}: what was sent{of} is kept, and has to be seen to by hand", about)


def whose(work: Block, place: Mapping[str, Any]) -> list[Id]:
    """Return who is told of a record: its owner, or the head of its unit, or else the workspace's owners."""
    person = place.get("owner_id") or selecting.head_of_unit(work, place.get("unit_id"))
    return owners(work) if person is None else [person]


def _tell(work: Block, people: Iterable[Id], text: str, about: tuple[str, Id]) -> None:
    tell(work, [Told(person, text, *about, kind=KIND) for person in people])


def _label(form: WebForm) -> str:
    return form.label.translate(_PLAIN)
