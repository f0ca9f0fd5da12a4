"""What files hold and held, and who was given it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, select

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn
from opencrm.core.conditions import All, Equal
from opencrm.core.entities import File, FileVersion
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound
from opencrm.services.reading.rows import Query, Record
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_TABLE = tables.file_read
MOST_READERS = 1000


@attrs.frozen(kw_only=True)
class Version:
    """What a file holds, or held: all that is needed to give it to somebody.

    Attributes:
        file_id: The file.
        name: What it was called.
        number: Which version it is, from 1.
        media_type: What it seems to hold, of the types that are known.
        size: How many bytes.
        sha256: Their hash.
    """

    file_id: Id
    name: str
    number: int
    media_type: str
    size: int
    sha256: str


@attrs.frozen(kw_only=True)
class Reading:
    """That somebody was given a file.

    Attributes:
        id: Its own; a page goes on before it.
        at: When.
        number: Which version.
        principal: Who, such as `"user:0190..."`.
        acting_as: As whom, where a rule or a plugin acted for somebody.
    """

    id: Id
    at: datetime
    number: int
    principal: str
    acting_as: str | None


def versions(reader: Reader, file_id: Id) -> tuple[Record, ...]:
    """Return the versions of a file, the newest first.

    Raises:
        NotFound: There is no such file, or none that the reader may know of.
    """
    reader.get(File, file_id)
    return reader.list(Query(FileVersion, where=Equal("file_id", file_id), sort="-number", limit=1000)).rows


def version(reader: Reader, file_id: Id, number: int | None = None) -> Version:
    """Return what a file holds now, or what it held as a version of that number.

    Raises:
        NotFound: There is no such file or version, or none whose content the reader may read.
    """
    file = reader.states(reader.entity(File), [file_id]).get(file_id)
    if file is not None:
        wanted = file["number"] if number is None else number
        where = All((Equal("file_id", file_id), Equal("number", wanted)))
        row = next(iter(reader.list(Query(FileVersion, where=where, sort="id"))), None)
        names = [it.name for it in attrs.fields(Version)]
        if row is not None and set(names) <= set(row.fields):
            return Version(**{name: row[name] for name in names})
    raise NotFound("there is no such file", entity="file", id=file_id)


def give(work: Work, file_id: Id, number: int | None = None) -> Version:
    """Return what a file holds now, or held, and write down who is given it; before the first byte is.

    Raises:
        NotFound: See `version`.
    """
    found = version(work, file_id, number)
    stamp = next(work.stamps(1))
    line = {"id": stamp["entry_id"], "at": stamp["at"], "file_id": file_id, "number": found.number}
    who = {name: stamp[name] for name in ("principal", "acting_as")}
    work.tx.insert(_TABLE, [{**line, **who}])
    return found


def readers(reader: Reader, file_id: Id, *, limit: int = 50, before: Id | None = None) -> tuple[Reading, ...]:
    """Return who was given a file, the latest first.

    Args:
        reader: Whoever may change the file, and so the record that it belongs to, may know.
        file_id: The file.
        limit: How many, 1 to 1000.
        before: Only those before this one, of a page before.

    Raises:
        NotFound: There is no such file, or none that the reader may know of.
        PermissionDenied: The reader may not change the record that it belongs to.
    """
    if not 0 < limit <= MOST_READERS:
        raise InputError({"limit": [f"must lie between 1 and {MOST_READERS}"]})
    spec = reader.entity(File)
    state = reader.states(spec, [file_id]).get(file_id)
    if state is None:
        raise NotFound("there is no such file", entity="file", id=file_id)
    if not reader.rights.expression(spec, "update").test(reader.linked)(state):
        raise reader.rights.denied("file.readers", "who may not change a record is not told who read its files")
    return tuple(Reading(**row) for row in _rows(reader, file_id, limit, before))


def _rows(reader: Reader, file_id: Id, limit: int, before: Id | None) -> Sequence[Values]:
    names = [_TABLE.c[it.name] for it in attrs.fields(Reading)]

    def build() -> Select[Any]:
        found = select(*names).where(_TABLE.c.file_id == bindparam("file", type_=IdColumn()))
        if before is not None:
            found = found.where(_TABLE.c.id < bindparam("before", type_=IdColumn()))
        return found.order_by(_TABLE.c.id.desc()).limit(bindparam("most", type_=None))

    given = {"file": file_id, "most": limit} | ({} if before is None else {"before": before})
    return reader.tx.query(("readers of file", before is None), build, given)
