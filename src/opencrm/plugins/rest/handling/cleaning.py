"""What keeps records clean: many edited alike, doubles proposed, dismissed and merged."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
from flask import Response

from opencrm import (
    CRM,
    InputError,
    MassEdit,
    Merge,
    Principal,
    duplicates,
    editing,
    merging,
)
from opencrm.embed import Reader, Spec, read_condition
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import ACT, answer
from opencrm.plugins.rest.asking.bodies import arguments, ids, json_object
from opencrm.plugins.rest.asking.query_strings import no_parameters, only, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id

_EDIT: Mapping[str, type] = MappingProxyType(
    {
        "where": dict,
        "ids": list,
        "set": dict,
        "owner_id": str,
        "unit_id": str,
        "move": str,
        "delete": bool,
        "restore": bool,
        "whole": bool,
        "act": str,
        "dry_run": bool,
    }
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "all": ': all records are "where": {"all": []}',
        "owner": ": say owner_id",
        "unit": ": say unit_id",
    }
)
_MERGE: Mapping[str, type] = MappingProxyType({"others": list, "values": dict, "dry_run": bool})


class Cleaning:
    """Answers for what is done with many records of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def edit(self, plural: str) -> Response:
        """Edit records alike, or tell what would be done; answer with the counts and what was refused."""
        no_parameters()
        given, who = arguments(_EDIT, hints=_HINTS), principal()
        with self._crm.read(who) as reader:
            spec = entity_at(reader, plural)
            wish = _wish(reader, spec, given)
            _bounded(reader, spec, wish)
        try:
            done = self._edited(who, wish, given)
        except InputError as error:
            raise error.called(
                {"owner": "owner_id", "unit": "unit_id", "stage": "stage" if wish.set else "move"}
            ) from None
        with self._crm.read(who) as reader:
            body = _told(reader, spec, done)
        return answer(body, headers={ACT: done.act} if done.act else {})

    def _edited(self, who: Principal, wish: MassEdit[Any], given: Mapping[str, Any]) -> editing.Edited:
        rehearsed = given.get("dry_run", True)
        return editing.run(lambda: self._crm.work(who), wish, act=given.get("act"), rehearsed=rehearsed)

    def merge(self, plural: str, id: str) -> Response:
        """Merge records into one, or tell what would be done."""
        no_parameters()
        given, id, who = arguments(_MERGE), record_id(id), principal()
        with self._crm.read(who) as reader:
            spec = entity_at(reader, plural)
        wish: Merge[Any] = Merge(spec, id, ids("others", given.get("others", [])), given.get("values"))
        done = self._merged(who, wish, given)
        with self._crm.read(who) as reader:
            steps = {name: _dumped(reader, spec, getattr(done, name)) for name in ("before", "after")}
        body = {**attrs.asdict(done, recurse=False), **steps}
        return answer(body, headers={ACT: done.act} if done.act else {})

    def _merged(self, who: Principal, wish: Merge[Any], given: Mapping[str, Any]) -> merging.Merged:
        if given.get("dry_run", True):
            return merging.rehearse(lambda: self._crm.work(who), wish)
        with self._crm.work(who) as work:
            return merging.merge(work, wish)

    def duplicates(self, plural: str) -> Response:
        """Answer with the likeliest pairs."""
        limit = whole(only(pairs(), "limit"), "limit", 100)
        with self._crm.read(principal()) as reader:
            found = duplicates.find(reader, entity_at(reader, plural), limit=limit)
        return answer({"items": [attrs.asdict(each) for each in found]})

    def alike(self, plural: str) -> Response:
        """Answer with the records that may be the one that is about to be made."""
        no_parameters()
        values = json_object()
        with self._crm.read(principal()) as reader:
            found = duplicates.of(reader, entity_at(reader, plural), values)
        return answer({"items": [attrs.asdict(each) for each in found]})

    def dismiss(self, plural: str, id: str, other: str) -> Response:
        """Remember that two records are two."""
        no_parameters()
        one, other = record_id(id), record_id(other)
        with self._crm.work(principal()) as work:
            duplicates.dismiss(work, entity_at(work, plural), one, other)
        return Response(status=204)

    def propose_again(self, plural: str, id: str, other: str) -> Response:
        """Take that back."""
        no_parameters()
        one, other = record_id(id), record_id(other)
        with self._crm.work(principal()) as work:
            duplicates.propose_again(work, entity_at(work, plural), one, other)
        return Response(status=204)


def _wish(reader: Reader, spec: Spec, given: Mapping[str, Any]) -> MassEdit[Any]:
    _check_one(given)
    where, several = given.get("where"), given.get("ids")
    return MassEdit(
        spec,
        where=None if where is None else read_condition(reader, spec, where),
        ids=None if several is None else ids("ids", several),
        set=given.get("set"),
        owner=given.get("owner_id"),
        unit=given.get("unit_id"),
        move=given.get("move"),
        delete=given.get("delete", False),
        restore=given.get("restore", False),
        whole=given.get("whole", False),
    )


def _check_one(given: Mapping[str, Any]) -> None:
    """Refuse what does nothing or several things, or does not say with which records."""
    done = [bool(given.get(name)) for name in ("set", "move", "delete", "restore")]
    if sum([*done, "owner_id" in given or "unit_id" in given]) != 1:
        text = "or one of owner_id and unit_id, move, delete and restore is required, and no other"
        raise InputError({"set": [text]})
    if ("where" in given) == ("ids" in given):
        raise InputError({"where": ['or ids is required, and not both; all records are "where": {"all": []}']})


def _bounded(reader: Reader, spec: Spec, wish: MassEdit[Any]) -> None:
    """Refuse what would take a request too long."""
    wish.check()
    number = len(wish.ids) if wish.ids is not None else reader.count(spec, wish.where, deleted=wish.restore)
    if number > editing.MOST:
        field = "where" if wish.ids is None else "ids"
        raise InputError({field: [f"names more than {editing.MOST:,} records, which one request does not take"]})


def _told(reader: Reader, spec: Spec, done: editing.Edited) -> dict[str, Any]:
    samples = [
        {
            "record": each.record,
            "before": _dumped(reader, spec, each.before),
            "after": _dumped(reader, spec, each.after),
        }
        for each in done.samples
    ]
    return {**attrs.asdict(done), "samples": samples}


def _dumped(reader: Reader, spec: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    return reader.configuration.schemas.dumper(spec).dump(values, values)
