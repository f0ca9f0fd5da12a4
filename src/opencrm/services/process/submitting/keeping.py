"""Submissions as they are kept, and read by those who may read the record that they went to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, or_, select

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound
from opencrm.services.process.submitting.asking import Asked, Place, asked, record_of
from opencrm.services.reading.owning import owners_only
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

_TABLE, _MERGED = tables.submission, tables.merged
_ENTITIES = {Place.CONTACT: "contact", Place.POINT: "contact_point", Place.ACTIVITY: "activity"}
_FIELDS = {Place.POINT: "value", Place.ACTIVITY: "body"}


@attrs.frozen(kw_only=True)
class Submission:
    """What somebody sent.

    Attributes:
        id: Its id.
        form: The form's key.
        at: When.
        values: The answers, as JSON carries them.
        attribution: What is known of the way by which they came.
        consent: The text that they agreed to.
        contact_id: Who it is, of a request.
        entity: The entity of the record that it went to.
        record_id: That record; None where it could go to none.
        error: Why it could not become what its form says, where that is so; told to owners alone.
    """

    id: Id
    form: str
    at: datetime
    values: Mapping[str, Any]
    attribution: Mapping[str, str]
    consent: str | None
    contact_id: Id | None
    entity: str
    record_id: Id | None
    error: str | None = None


def keep(work: Work, submission: Submission, once: str | None) -> None:
    """Write a submission down."""
    work.tx.insert(_TABLE, [{**attrs.asdict(submission, recurse=False), "once": once}])


def earlier(work: Work, form: str, once: str | None) -> Submission | None:
    """Return the same sending, if it was taken before."""
    if once is None:
        return None

    def build() -> Select[Any]:
        same = (
            _TABLE.c.form == bindparam("form", type_=key_column(64)),
            _TABLE.c.once == bindparam("once", type_=key_column(200)),
        )
        return select(_TABLE).where(*same)

    rows = work.tx.query("earlier submission", build, {"form": form, "once": once})
    return _read(rows[0]) if rows else None


def submissions(reader: Reader, entity: Any, id: Id) -> list[Submission]:
    """Return what was sent about a record, or one merged into it, the newest first: what the reader may read of it.

    Args:
        reader: The reader.
        entity: The record's entity.
        id: The record.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
    """
    spec = reader.entity(entity)
    if not reader.states(spec, [id]):
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)

    def build() -> Select[Any]:
        kind, one = bindparam("entity", type_=key_column(100)), bindparam("id", type_=IdColumn())
        went = select(_MERGED.c.record_id).where(_MERGED.c.entity == kind, _MERGED.c.into_id == one)
        about = or_(_TABLE.c.record_id == one, _TABLE.c.record_id.in_(went))
        return select(_TABLE).where(_TABLE.c.entity == kind, about).order_by(_TABLE.c.id.desc()).limit(500)

    rows = reader.tx.query("submissions", build, {"entity": spec.name, "id": id})
    return [_readable(reader, _read(row)) for row in rows]


def refused(reader: Reader) -> list[Submission]:
    """Return what was sent and could not become what its form says, the newest first: 500 at most, with all answers.

    Raises:
        PermissionDenied: The reader is not an owner.
    """
    owners_only(reader, "submission.read", "what could not be taken")

    def build() -> Select[Any]:
        return select(_TABLE).where(_TABLE.c.error.is_not(None)).order_by(_TABLE.c.id.desc()).limit(500)

    return [_read(row) for row in reader.tx.query("submissions refused", build, {})]


def _readable(reader: Reader, found: Submission) -> Submission:
    """Return a submission without what the reader may not read, or what nobody can tell any more."""
    declared, spec = reader.configuration.catalogue.forms.get(found.form), reader.entity(found.entity)
    several: tuple[Asked, ...] = ()
    if declared is not None:
        try:
            several = asked(declared.value, reader.configuration.catalogue, reader.configuration.locale)
            spec = record_of(declared.value, reader.configuration.catalogue)
        except InputError:
            several = ()
    person = found.contact_id is not None and reader.states(reader.entity("contact"), [found.contact_id])
    open_names = {it.name for it in several if _open(reader, spec, it, person=bool(person))}
    return attrs.evolve(
        found,
        values={name: value for name, value in found.values.items() if name in open_names},
        contact_id=found.contact_id if person else None,
        error=found.error if reader.rights.owner else None,
    )


def _open(reader: Reader, spec: Spec, field: Asked, *, person: bool) -> bool:
    if field.place is Place.RECORD:
        return field.name in reader.rights.readable(spec)
    if field.place in (Place.CONTACT, Place.POINT) and not person:
        return False
    return _FIELDS.get(field.place, field.name) in reader.rights.readable(reader.entity(_ENTITIES[field.place]))


def _read(row: Values) -> Submission:
    return Submission(**{it.name: row[it.name] for it in attrs.fields(Submission)})
