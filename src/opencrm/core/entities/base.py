"""The base of opencrm's own entities, and what records of any owner may share."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from opencrm.core.entity import CORE, Entity
from opencrm.core.fields import Reference, field


class Core(Entity, prefix=CORE):
    """The base of the entities that opencrm brings."""


class Owned:
    """A record with one responsible owner, in one unit."""

    owner_id: Mapped[str | None] = field(Reference("user"), label="Owner", changed_by="assign")
    unit_id: Mapped[str | None] = field(Reference("unit"), label="Unit", changed_by="assign")
