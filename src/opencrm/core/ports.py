"""What outer layers give to rules and plugins: narrow doors, as protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from opencrm.core.change import Values
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id


class OwnTables(Protocol):
    """A plugin's own tables, written in the transaction that is under way; nobody else's can be."""

    def upsert(self, entity: type[Entity] | Any, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
        """Insert rows, or update those whose `key` columns are equal, in one statement.

        Args:
            entity: One of the plugin's own tables, a SQLAlchemy `Table`.
            rows: Each with the same columns.
            key: Names of the columns that tell rows apart; they carry a unique constraint.
        """

    def delete(self, entity: type[Entity] | Any, where: Mapping[str, Iterable[Any]]) -> None:
        """Delete the rows whose columns hold one of the given values."""

    def select(self, entity: type[Entity] | Any, where: Mapping[str, Iterable[Any]]) -> Sequence[Mapping[str, Any]]:
        """Return the rows whose columns hold one of the given values."""


class Door(Protocol):
    """What a hook may ask, besides the changes that it is given."""

    @property
    def now(self) -> datetime:
        """The instant of the act."""

    @property
    def principal(self) -> str:
        """Who acts, such as `"user:0190..."`."""

    @property
    def own(self) -> OwnTables:
        """The plugin's own tables; only `record_` hooks may write them."""

    @property
    def intranet(self) -> frozenset[str]:
        """The hosts that outgoing calls may reach though they are no public ones, as the host program named them."""

    @property
    def entities(self) -> Mapping[str, Spec]:
        """The declarations of all entities, by name."""

    def readable(self, spec: Spec) -> frozenset[str]:
        """Return the fields of an entity that the principal may read; another one does not exist for them."""

    def get(self, entity: type[Entity], ids: Iterable[Id]) -> Mapping[Id, Values]:
        """Return the readable fields of those of the records that the principal may read."""


class AfterDoor(Protocol):
    """What a plugin may do after the commit: act as its own Automation, with the grants approved for it."""

    @property
    def now(self) -> datetime:
        """The present instant."""

    @property
    def plugin(self) -> str:
        """The plugin's name."""

    def work(self) -> AbstractContextManager[Any]:
        """Open a work block, one transaction; what it writes names the entry as its cause."""

    def read(self) -> AbstractContextManager[Any]:
        """Open a read block."""

    @property
    def channel(self) -> str | None:
        """For which of the plugin's own channels this is, where it was passed on; else None."""

    @property
    def intranet(self) -> frozenset[str]:
        """The hosts that outgoing calls may reach though they are no public ones, as the host program named them."""

    def pass_on(self, work: Any, channels: Iterable[str]) -> None:
        """Have the same entry delivered to channels of the plugin's own, each with tries and an order of its own.

        Args:
            work: The open work block.
            channels: Their names; with the plugin's, at most 63 characters.
        """

    def seen_by(self, user_id: Id) -> Any:
        """Return the entry as a person may see it now; None if they may not know of the record, or cannot sign in."""

    def secret(self, entity: type[Entity], id: Id, *, of: str) -> tuple[str, Id] | None:
        """Return the secret of a record of the plugin's own, and the person who took it; None where nobody did.

        Args:
            entity: One of the plugin's own entities.
            id: The record.
            of: The value that it was taken for, such as an address; of another one it is none.
        """

    def once(self, work: Any, key: str) -> bool:
        """Say whether this key is new to the plugin, and remember it in that transaction.

        Args:
            work: The open work block; if it rolls back, the key is forgotten.
            key: What must be done once only, such as `"welcome 0190..."`; at most 200 characters.
        """


class CheckDoor(Protocol):
    """What a service may ask before it is called, in the transaction of the event: reads, as who would act then."""

    @property
    def now(self) -> datetime:
        """The instant of the act."""

    @property
    def entity(self) -> str:
        """The entity of the record that the rule is about."""

    @property
    def record_id(self) -> Id:
        """The record that the rule is about."""

    def read(self) -> AbstractContextManager[Any]:
        """Open a read block, which sees the record as the act leaves it; see `opencrm.embed.Reader`."""


class ServiceDoor(CheckDoor, Protocol):
    """What a service may do: act as the rule's Automation, or as the person who asks, outside of any transaction."""

    @property
    def key(self) -> str:
        """What tells this call from every other, and is the same when it is repeated."""

    def work(self) -> AbstractContextManager[Any]:
        """Open a work block, one transaction; what it writes names the rule, and the event as its cause.

        It refuses with ConflictError where another worker took the call meanwhile. See `opencrm.embed.Work`.
        """

    def once(self, work: Any, key: str) -> bool:
        """Say whether this key is new to whoever acts, and remember it in that transaction.

        Of somebody who asks by hand it always is: nobody asks a second time for them.

        Args:
            work: The open work block; if it rolls back, the key is forgotten.
            key: What must be done once only, such as `f"print {door.key}"`; at most 200 characters.
        """
