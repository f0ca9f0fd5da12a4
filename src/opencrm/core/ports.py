"""What outer layers give to rules and plugins: narrow doors, as protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from opencrm.core.change import Values
from opencrm.core.entity import Entity
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

    def once(self, work: Any, key: str) -> bool:
        """Say whether this key is new to the plugin, and remember it in that transaction.

        Args:
            work: The open work block; if it rolls back, the key is forgotten.
            key: What must be done once only, such as `"welcome 0190..."`; at most 200 characters.
        """
