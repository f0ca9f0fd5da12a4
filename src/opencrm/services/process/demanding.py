"""What services need before they are called: asked in the transaction of the event, so that the act is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import head, link_of, parted, target_of
from opencrm.core.process.actions import Action, Call, OnlyIf, Wait, cure
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.reactions import Reaction
from opencrm.core.values import Id
from opencrm.errors import OpenCRMError, RequirementMissing
from opencrm.services.process import showing
from opencrm.services.process.entering.asking import VEILED, described, holds, label_of
from opencrm.services.process.rendering import Words
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import automated

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def check(work: Work, rest: Sequence[Action], spec: Spec, states: Mapping[Id, Values]) -> None:
    """Refuse an act that calls a service, without waiting first, for which something is missing.

    Args:
        work: As the automation.
        rest: What is left to the worker.
        spec: The records' entity.
        states: The records.

    Raises:
        RequirementMissing: Says what is missing, of which record.
    """
    person = _as(work, work.behind)
    found = [
        {"record": id, "row": row, **told}
        for call in _soon(rest)
        for row, (id, state) in enumerate(states.items())
        for told in _missing(work, person, call, spec, state)
    ]
    if found:
        text = "missing: " + ", ".join(dict.fromkeys(it["text"] for it in found))
        raise RequirementMissing(text, missing=found)


def lacking(reader: Reader, reaction: Reaction, spec: Spec, state: Values) -> Iterator[dict[str, Any]]:
    """Give what would be missing for what follows from a move, as far as whoever would move the record may know.

    Args:
        reader: Whoever would move it.
        reaction: What follows.
        spec: The record's entity.
        state: The record, as it would be.
    """
    when = None if reaction.rule is None else reaction.rule.when
    conditions = [it.condition for it in reaction.actions if isinstance(it, OnlyIf)]
    if not all(holds(reader, spec, it, state) for it in (*conditions, *(() if when is None else (when,)))):
        return
    automation = Principal.automation(reaction.source.automation)
    inner = _as(reader, automated(reader.configuration, automation, reader.now))
    for call in _soon(reaction.actions):
        yield from _missing(inner, reader, call, spec, state)


def unready(reader: Reader, calls: Iterable[tuple[Call, Sequence[str]]]) -> Iterator[str]:
    """Give what is missing for calls of services whatever the record, in a few words each.

    Args:
        reader: Of the system.
        calls: The calls, each with the entities of the records that it may be about.
    """
    for call, entities in calls:
        if showing.depends(call):
            continue  # That depends on the record.
        try:
            yield from reader.configuration.hooks.unready(call.service, reader, entities, call.values)
        except OpenCRMError as error:
            yield str(error)


def _soon(rest: Sequence[Action]) -> Iterator[Call]:
    """Give the calls that come before anything is waited for."""
    for action in rest:
        if isinstance(action, Wait):
            return
        if isinstance(action, Call):
            yield action


def _missing(asker: Reader, person: Reader, call: Call, spec: Spec, state: Values) -> Iterator[dict[str, Any]]:
    """Give what is missing for a call, each with the form that asks for it where that is a field of the record."""
    hooks = asker.configuration.hooks
    if not hooks.serves(call.service):
        yield {"text": f"the service {call.service!r}: {cure(call.service)}"}
    ask = hooks.demands(call.service)
    if ask is None:
        return
    values = Words(asker, spec, state).given(call.values)
    if showing.unapproved(asker, asker.rights.principal.id, call.service, spec.name, values):
        yield {"text": f"{call.service}: {showing.CHANGED}"}
        return
    for text in ask(_Door(asker, spec.name, state["id"]), values):
        yield _told(person, spec, text)


def _told(person: Reader, spec: Spec, text: str) -> dict[str, Any]:
    known, first = person.rights.readable(spec), head(text)
    own = next((name for name in (first, f"{first}_id") if name in spec.fields), None)
    if own is not None and own not in known:
        return {"text": VEILED}
    if text in spec.fields and spec.fields[text].settable:
        return {"text": label_of(spec, text), "form": described(person, spec, Form(text, (text,)))}
    return {"text": _labelled(person, spec, text)}


def _labelled(reader: Reader, spec: Spec, text: str) -> str:
    """Return a path to a field by labels; anything else as it is."""
    reference, name = parted(text)
    entity = target_of(spec, reference) if reference else spec.name
    end = None if entity is None else reader.configuration.catalogue.entities.get(entity)
    if end is None or name not in end.fields:
        return text
    led = f"{label_of(spec, link_of(spec, reference))}: " if reference else ""
    return f"{led}{label_of(end, name)}"


def _as(reader: Reader, rights: Rights) -> Reader:
    return Reader(reader.tx, reader.workspace, rights, reader.configuration, reader.now)


@attrs.frozen
class _Door:
    """What a service may ask before it is called: see `core.ports.CheckDoor`."""

    _reader: Reader
    entity: str
    record_id: Id

    @property
    def now(self) -> datetime:
        return self._reader.now

    @contextmanager
    def read(self) -> Iterator[Reader]:
        yield self._reader
