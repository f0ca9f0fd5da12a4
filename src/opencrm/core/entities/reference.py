"""What hangs on a record of any entity: tags, and the keys by which other systems know it."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core
from opencrm.core.entity import Options
from opencrm.core.fields import Key, RecordId, Reference, Text, field


class Tag(Core):
    """A word by which records are gathered."""

    options = Options(unique=(("name",),), lookup=("name",))

    name: Mapped[str] = field(Text(100, folded=True), required=True)
    color: Mapped[str | None] = field(Key(20))


class Tagging(Core):
    """A tag on a record."""

    options = Options(
        display="tag_id",
        part_of=("record_id",),
        nested="taggings",
        unique=(("entity", "record_id", "tag_id"),),
    )

    tag_id: Mapped[str] = field(Reference(Tag), required=True)
    entity: Mapped[str] = field(Key(100), required=True)
    record_id: Mapped[str] = field(RecordId(), label="Record", required=True)


class ExternalRef(Core):
    """The key by which another system, or a file, knows a record."""

    options = Options(display="key", part_of=("record_id",), nested="refs", unique=(("system", "entity", "key"),))

    system: Mapped[str] = field(Key(100), required=True)
    entity: Mapped[str] = field(Key(100), required=True)
    key: Mapped[str] = field(Key(500), required=True, searchable=True)
    record_id: Mapped[str] = field(RecordId(), label="Record", required=True)
    label: Mapped[str | None] = field(Text(200))
