"""Who gets what: clients in turn, and all that belongs to one client to one colleague."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from opencrm.core.change import Kind
from opencrm.core.conditions import Equal
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services import journal
from opencrm.services.reading.rows import Query

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

Key: TypeAlias = tuple[str, Id]
"""A record, by the name of its entity and its id; or an entity and the colleague who gets records of it."""

_CLIENTS = ("contact", "company")


@attrs.frozen
class Given:
    """How many records of an entity a colleague gets."""

    entity: str
    user: Id
    number: int


@attrs.frozen
class Planned:
    """A record and the colleague who gets it."""

    entity: str
    record: Id
    to: Id


def owned(reader: Reader) -> list[Spec]:
    """Return the entities that are handed over: all that have an owner, and not what is personal."""
    return [
        spec
        for spec in reader.configuration.catalogue.entities.values()
        if spec.owned and not spec.options.personal and "owner_id" in reader.rights.readable(spec)
    ]


def plan(reader: Reader, user: Id, to: Sequence[Id], act: Id | None) -> list[Planned]:
    """Return who gets which of somebody's records, as far as the reader may read them.

    Clients take turns in the order of their ids, which is that of their making; whoever got a client's records already,
    in the act that was broken off, gets the others too.
    """
    clients = _clients(reader, user)
    turns = _Turns(to, _given(reader, user, act) if act else {})
    whose = {client: turns.next(client) for client in sorted(set(clients.values()), key=lambda it: it[::-1])}
    return [Planned(entity, id, whose[client]) for (entity, id), client in clients.items()]


def counted(planned: Iterable[Planned]) -> Counter[Key]:
    """Return how many records each colleague gets, by entity."""
    return Counter((each.entity, each.to) for each in planned)


def told(numbers: Mapping[Key, int]) -> tuple[Given, ...]:
    """Return what was counted, in one order."""
    return tuple(Given(entity, to, number) for (entity, to), number in sorted(numbers.items()))


class _Turns:
    """Whose turn it is: that of whoever has the fewest clients, and of those that of the first one named.

    Args:
        to: The colleagues.
        known: Clients that were given already.
    """

    def __init__(self, to: Sequence[Id], known: Mapping[Key, Id]) -> None:
        self._known = {client: user for client, user in known.items() if user in to}
        self._numbers = dict.fromkeys(to, 0) | Counter(self._known.values())

    def next(self, client: Key) -> Id:
        """Return who gets a client."""
        if client in self._known:
            return self._known[client]
        first = min(self._numbers, key=lambda user: self._numbers[user])
        self._numbers[first] += 1
        return first


def _clients(reader: Reader, user: Id) -> dict[Key, Key]:
    """Return each of somebody's records with the client that it belongs to."""
    found: dict[Key, Key] = {}
    for spec in owned(reader):
        links = _links(reader, spec)
        query: Query[Any] = Query(spec, where=Equal("owner_id", user), sort="id", fields=("id", *links))
        for record in reader.stream(query):
            found[spec.name, record["id"]] = _client(spec, links, record)
    return {record: found.get(client, client) for record, client in found.items()}


def _links(reader: Reader, spec: Spec) -> dict[str, str]:
    """Return the references that tell a record's client: to a contact, to a company, then to what has an owner."""
    readable = reader.rights.readable(spec)
    links = {name: to for name, to in spec.references().items() if name in readable and to in _owned_names(reader)}
    order = [*_CLIENTS, *(to for to in links.values() if to not in _CLIENTS)]
    return dict(sorted(links.items(), key=lambda it: order.index(it[1])))


def _owned_names(reader: Reader) -> set[str]:
    return {spec.name for spec in owned(reader)}


def _client(spec: Spec, links: Mapping[str, str], record: Any) -> Key:
    """Return whom a record is about; a client is its own."""
    if spec.name not in _CLIENTS:
        for name, to in links.items():
            if record[name] is not None:
                return to, record[name]
    return spec.name, record["id"]


def _given(reader: Reader, user: Id, act: Id) -> dict[Key, Id]:
    """Return the clients that an act gave already, each with whoever got them."""
    specs = {spec.name: spec for spec in owned(reader)}
    ids: dict[str, dict[Id, Id]] = {}
    for row in journal.of_act(reader.tx, act):
        if row["kind"] == Kind.ASSIGNED and row["entity"] in specs and (row["before"] or {}).get("owner_id") == user:
            ids.setdefault(row["entity"], {})[row["record_id"]] = row["after"]["owner_id"]
    return {client: to for name, those in ids.items() for client, to in _known(reader, specs[name], those)}


def _known(reader: Reader, spec: Spec, given: Mapping[Id, Id]) -> Iterator[tuple[Key, Id]]:
    links = _links(reader, spec)
    for id, state in reader.states(spec, [*given]).items():
        yield _client(spec, links, state), given[id]
