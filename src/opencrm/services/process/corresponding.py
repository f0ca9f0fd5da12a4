"""Letters to clients: whom they go to, what they say as an automation may read it, and their trace on the record."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Values
from opencrm.core.conditions import All, Equal
from opencrm.core.entities import Activity, ContactPoint
from opencrm.core.entity import Spec
from opencrm.core.process.actions import Send
from opencrm.core.process.clients import clients_of, link_to
from opencrm.core.process.reactions import subjects_of
from opencrm.core.values import Id
from opencrm.errors import DomainError
from opencrm.services import records
from opencrm.services.commands import Create
from opencrm.services.process.rendering import Words
from opencrm.services.process.tasking import nobody
from opencrm.services.reading.rows import Query

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_MOST = 100
_LONGEST_SUBJECT = 200


class Unsendable(DomainError):
    """A letter cannot be sent however often it is tried, until somebody puts the record right."""

    code = "unsendable"


@attrs.frozen(kw_only=True)
class ClientLetter:
    """What is written to a client.

    Attributes:
        to: The address.
        client: The entity of the client.
        client_id: The client.
        subject: One line.
        text: The text.
    """

    to: str
    client: str
    client_id: Id
    subject: str
    text: str = attrs.field(repr=False)


def composed(reader: Reader, spec: Spec, state: Values, action: Send) -> ClientLetter:
    """Return the letter that an action means for a record.

    Args:
        reader: The automation; what it may not read is left out.
        spec: The record's entity.
        state: The record.
        action: What is to be written.

    Raises:
        Unsendable: The record has no client, the client no address that may be used, or nothing is left to be said.
    """
    client, client_id = _client(reader, spec, state)
    words = Words(reader, spec, state)
    subject = _printable(words.text(action.subject))[:_LONGEST_SUBJECT]
    text = "\n".join(_printable(words.text(line)) for line in action.text.splitlines()).strip()
    if not subject or not text:
        raise Unsendable("the letter would say nothing: its subject or its text is empty for this record")
    to = _address(reader, client, client_id)
    return ClientLetter(to=to, client=client, client_id=client_id, subject=subject, text=text)


def noted(work: Work, spec: Spec, state: Values, letter: ClientLetter, held: str | None = None) -> None:
    """Write down that a letter was sent, or why it was held back, as an activity of the record and of its client."""
    made = work.entity(Activity)
    about = subjects_of(made).get(spec.name)
    links = {link_to(letter.client): letter.client_id, **({about: state["id"]} if about else {})}
    place = {name: state[name] for name in ("owner_id", "unit_id") if state.get(name) is not None}
    first = f"To: {letter.to}" if held is None else f"To: {letter.to}, {held}"
    said = {"subject": letter.subject, "body": f"{first}\n\n{letter.text}"}
    values: dict[str, Any] = {"kind": "email", "direction": "out", "happened_at": work.now, **said, **links, **place}
    records.create(work, [Create(made, values=values)])


def unsent(work: Work, spec: Spec, record_id: Id, error: str) -> None:
    """Tell whoever answers for a record that its client was not written to, and why."""
    _tell(work, spec, record_id, "The client was not written to", error)


def unnoted(work: Work, spec: Spec, record_id: Id, error: str) -> None:
    """Tell whoever answers for a record that its client was written to, and why the record does not show it."""
    _tell(work, spec, record_id, "The client was written to, but it could not be noted here", error)


def _tell(work: Work, spec: Spec, record_id: Id, what: str, error: str) -> None:
    state = work.states(spec, [record_id]).get(record_id)
    if state is not None:
        why = error.replace("{", "(").replace("}", ")")[:500]
        nobody.tell_instead(work, spec, [state], f"{what}: {why}", kind="rule")


def _client(reader: Reader, spec: Spec, state: Values) -> tuple[str, Id]:
    readable = reader.rights.readable(spec)
    for name, entity in clients_of(spec):
        if name in readable and state.get(name) is not None:
            return entity, state[name]
    raise Unsendable(f"this {spec.label.lower()} has no client")


def _address(reader: Reader, entity: str, id: Id) -> str:
    """Return the address by which a client may be reached: the preferred one first."""
    there = reader.states(reader.entity(entity), [id])
    found = [*_usable(reader, entity, id)] if there else []
    if not found:
        raise Unsendable("the client has no e-mail address that may be used")
    best = min(found, key=lambda it: (not it["preferred"], it["consent"] != "given"))
    return str(best["value"]).strip()


def _usable(reader: Reader, entity: str, id: Id) -> Iterator[Values]:
    """Give a client's e-mail addresses that are not known to be wrong, and that they did not forbid to use."""
    spec = reader.entity(ContactPoint)
    if not {"kind", "value", "valid", "consent", "preferred", link_to(entity)} <= reader.rights.readable(spec):
        return
    where = All((Equal(link_to(entity), id), Equal("kind", "email")))
    for row in reader.list(Query(spec, where=where, sort="id", limit=_MOST)).rows:
        values = row.values()
        if values["valid"] and values["consent"] != "withdrawn":
            yield values


def _printable(text: str) -> str:
    """Return a text on one line without what no letter can hold."""
    return "".join(it for it in text if unicodedata.category(it) not in ("Cc", "Cs")).strip()
