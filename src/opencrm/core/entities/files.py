"""Files on records, and what they held before: the contents themselves stand outside the database, by their hash."""

from __future__ import annotations

import unicodedata

import attrs
from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core
from opencrm.core.entity import Options
from opencrm.core.fields import Key, RecordId, Reference, Text, Whole, field

MOST_BYTES = 2**53
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of a text: with them `invoice\u202efdp.exe` looks like a PDF."""

_OF_ITS_RECORD = ("entity", "record_id")
"""By these, and its id, a file is listed with its record; a merge of two records keeps both of two that are alike."""


@attrs.frozen
class FileName(Text):
    """The name of a file, without a folder."""

    def parse(self, raw: object) -> str:
        name = (super().parse(raw) or "").strip()
        if not name or not name.strip("."):
            raise ValueError("must be a file's name")
        if "/" in name or "\\" in name:
            raise ValueError("must be a file's name without its folder")
        if any(unicodedata.category(each) in ("Cc", "Zl", "Zp") or each in _TURNING for each in name):
            raise ValueError("must hold no control characters")
        return name


class File(Core):
    """A file on a record: its name, and what its newest version holds."""

    options = Options(part_of=("record_id",), unique=((*_OF_ITS_RECORD, "id"),))

    name: Mapped[str] = field(FileName(255, folded=True), required=True, searchable=True)
    entity: Mapped[str] = field(Key(100), required=True, changed_by="system", help="The record's entity, such as deal.")
    record_id: Mapped[str] = field(RecordId(), label="Record", required=True, changed_by="system")
    number: Mapped[int] = field(Whole(1, 10**9), label="Version", required=True, changed_by="system", settable=False)
    media_type: Mapped[str] = field(Key(100), required=True, changed_by="system", settable=False)
    size: Mapped[int] = field(Whole(0, MOST_BYTES), label="Bytes", required=True, changed_by="system", settable=False)
    sha256: Mapped[str] = field(
        Key(64), label="Hash", required=True, changed_by="system", settable=False, help="SHA-256 of the content."
    )
    made_by: Mapped[str | None] = field(
        Key(200), changed_by="system", settable=False, help="The template that it was made from, where it was."
    )


class FileVersion(Core):
    """What a file holds, or held before."""

    options = Options(part_of=("record_id",), unique=((*_OF_ITS_RECORD, "id"), ("file_id", "number")))

    file_id: Mapped[str] = field(Reference("file"), required=True, changed_by="system", settable=False)
    name: Mapped[str] = field(FileName(255, folded=True), required=True, changed_by="system", settable=False)
    entity: Mapped[str] = field(Key(100), required=True, changed_by="system", settable=False)
    record_id: Mapped[str] = field(RecordId(), label="Record", required=True, changed_by="system", settable=False)
    number: Mapped[int] = field(Whole(1, 10**9), label="Version", required=True, changed_by="system", settable=False)
    media_type: Mapped[str] = field(Key(100), required=True, changed_by="system", settable=False)
    size: Mapped[int] = field(Whole(0, MOST_BYTES), label="Bytes", required=True, changed_by="system", settable=False)
    sha256: Mapped[str] = field(Key(64), label="Hash", required=True, changed_by="system", settable=False, indexed=True)
