"""Whoever sent a form: known by an e-mail address or a phone number, or a new contact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entities import Contact, ContactPoint
from opencrm.core.entity import Spec
from opencrm.core.points import point_key
from opencrm.core.process.asking.web_forms import NAMES, POINTS
from opencrm.core.values import Id
from opencrm.services import records
from opencrm.services.commands import Create
from opencrm.services.process.submitting.asking import Asked, Place, reference

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

TELLING = ("email", "phone")
"""The ways to reach somebody that tell who it is, the surest first."""


def keys(work: Work, asked: Sequence[Asked], answers: Mapping[str, Any]) -> dict[str, str]:
    """Return the normal forms by which somebody is known, by kind."""
    named = {it.name for it in asked if it.place is Place.POINT}
    region = work.configuration.locale.region
    return {kind: point_key(kind, answers[kind], region) for kind in TELLING if kind in named and kind in answers}


def known(work: Work, ways: Mapping[str, str]) -> Id | None:
    """Return the contact whom somebody is known to be, of several the one who has been there for longest."""
    return next((id for kind, key in ways.items() if (id := _with(work, kind, key)) is not None), None)


def make(work: Work, answers: Mapping[str, Any], place: Mapping[str, Any]) -> Id:
    """Make a contact of what somebody filled in; whoever gives no name is called by how they can be reached.

    Args:
        work: As the form's automation.
        answers: The answers that are the contact's.
        place: The owner, the unit and the source.
    """
    points = [{"kind": kind, "value": answers[kind]} for kind in POINTS if kind in answers]
    named = {name: answers[name] for name in NAMES if name in answers}
    called = named or {"name": next((point["value"] for point in points), "?")}
    [line] = records.create(work, [Create(Contact, values={**called, **place, "points": points})])
    return line.record_id


def standing(work: Work, spec: Spec, pipeline: str, contact: Id) -> Id | None:
    """Return somebody's newest open record in a pipeline."""
    stages = work.configuration.catalogue.pipelines[pipeline].stages
    still, field = [stage.key for stage in stages if not stage.closed], reference(spec, "contact") or ""

    def build() -> Select[Any]:
        table = spec.table
        mine = spec.column(field) == bindparam("contact", type_=IdColumn())
        within = spec.column("pipeline") == bindparam("pipeline", type_=key_column(64))
        among = spec.column("stage").in_([bindparam(f"s{at}", type_=key_column(64)) for at in range(len(still))])
        found = select(table.c.id).where(mine, within, among, table.c.deleted_at.is_(None))
        return found.order_by(table.c.id.desc()).limit(1)

    given = {"contact": contact, "pipeline": pipeline} | {f"s{at}": it for at, it in enumerate(still)}
    rows = work.tx.query(("standing", spec.name, field, len(still)), build, given)
    return rows[0]["id"] if rows else None


def _with(work: Work, kind: str, key: str) -> Id | None:
    point, contact = ContactPoint.__table__, Contact.__table__

    def build() -> Select[Any]:
        same = (
            point.c.kind == bindparam("kind", type_=point.c.kind.type),
            point.c.key == bindparam("key", type_=key_column(254)),
        )
        living = (point.c.deleted_at.is_(None), contact.c.deleted_at.is_(None))
        joined = select(contact.c.id).join(point, point.c.contact_id == contact.c.id)
        return joined.where(*same, *living).order_by(contact.c.id).limit(1)

    rows = work.tx.query("contact by point", build, {"kind": kind, "key": key})
    return rows[0]["id"] if rows else None
