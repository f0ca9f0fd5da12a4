"""What plugins hand over when they register: frozen declarations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import attrs

from opencrm.core.access.grants import ACTIONS, ANY, FieldRule, Grant, Scope
from opencrm.core.ports import CheckDoor, ServiceDoor

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

Cells: TypeAlias = Sequence[Any]
"""One row's values: text, or what a spreadsheet's cells hold."""


@attrs.frozen
class Row:
    """A row that was read from a file.

    Args:
        line: Where it begins, from 1, as a person would look it up; the header counts.
        cells: Its values.
        fault: A sentence that says why it cannot be used, or None.
    """

    line: int
    cells: Cells
    fault: str | None = None


def _grants(given: Iterable[Grant]) -> tuple[Grant, ...]:
    return tuple(given)


def _rules(given: Iterable[FieldRule]) -> tuple[FieldRule, ...]:
    return tuple(given)


PRESETS = ("solo", "small", "branches", "full")
"""Sizes of companies, by which a new workspace chooses its roles: `opencrm init --preset small`."""


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(given)


def _known(_owner: object, _attribute: object, presets: tuple[str, ...]) -> None:
    unknown = [name for name in presets if name not in PRESETS]
    if unknown:
        raise ValueError(f"presets: {unknown[0]!r} is none of {', '.join(PRESETS)}")


@attrs.frozen(kw_only=True)
class RoleTemplate:
    """A role that a new workspace starts with; from then on it is data that the company edits.

    Args:
        key: Stable name, unique in a workspace.
        name: What a person reads.
        rank: The higher has more power; equals cannot make each other.
        grants: What its members may do.
        delegable: What its members may hand on; covered by `grants`.
        field_rules: Fields that its members may see less of, or sensitive ones that they may see.
        presets: For which sizes of companies it is, of `solo small branches`; by default for all. `full` has every one.
    """

    key: str
    name: str
    rank: int = attrs.field(validator=attrs.validators.ge(0))
    grants: tuple[Grant, ...] = attrs.field(converter=_grants)
    delegable: tuple[Grant, ...] = attrs.field(converter=_grants, default=())
    field_rules: tuple[FieldRule, ...] = attrs.field(converter=_rules, default=())
    presets: tuple[str, ...] = attrs.field(converter=_names, validator=_known, default=PRESETS)


@attrs.frozen(kw_only=True)
class Action:
    """Something that can be done to records, besides what opencrm knows: approving an invoice, opening a door.

    Nobody but owners may do it until a role grants it by its name; `*` does not stand for it.

    Args:
        name: Stable name; begins with the plugin's name and `_`.
        entities: The names of the entities to whose records it can be done.
        label: What a person reads.
    """

    name: str = attrs.field(validator=attrs.validators.matches_re(r"[a-z][a-z0-9_]{0,63}"))
    entities: tuple[str, ...] = attrs.field(converter=_names, validator=attrs.validators.min_len(1))
    label: str = ""


def _suffixes(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(each.lower() for each in given)


def _dotted(_owner: object, _attribute: object, suffixes: tuple[str, ...]) -> None:
    if not suffixes or not all(each.startswith(".") for each in suffixes):
        raise ValueError("suffixes: must be endings of file names such as '.csv'")


@attrs.frozen(kw_only=True)
class Importer:
    """A kind of file that rows can be read from.

    Args:
        name: Stable name of the format, such as `"csv"`.
        suffixes: Endings of its files' names, such as `".csv"`; kept in lower case.
        rows: Opens a file for a `with` block and gives its rows one by one, the header first. Raises
            InputError where the file is not of the format.
        table: Does the same with one of a file's several tables, by its name, such as a workbook's sheet; None
            where a file of the format is one table.
    """

    name: str
    suffixes: tuple[str, ...] = attrs.field(converter=_suffixes, validator=_dotted)
    rows: Callable[[Path], AbstractContextManager[Iterator[Row]]]
    table: Callable[[Path, str], AbstractContextManager[Iterator[Row]]] | None = None


@attrs.frozen(kw_only=True)
class Exporter:
    """A kind of file that rows can be written to.

    Args:
        name: Stable name of the format, such as `"csv"`.
        suffixes: Endings of its files' names, such as `".csv"`; kept in lower case.
        write: Writes the header, then the rows as they come, to a file open for bytes; leaves it open.
        media_type: What HTTP calls its files, such as `"text/csv"`.
    """

    name: str
    suffixes: tuple[str, ...] = attrs.field(converter=_suffixes, validator=_dotted)
    write: Callable[[BinaryIO, Sequence[str], Iterable[Cells]], None]
    media_type: str = attrs.field(
        default="application/octet-stream", validator=attrs.validators.matches_re(r"[\w.+-]+/[\w.+-]+")
    )


def _needs(_owner: object, _attribute: object, needs: tuple[Grant, ...]) -> None:
    for need in needs:
        if ANY in (need.entity, need.action):
            raise ValueError("needs: names each entity and each act, since whoever calls is granted them: * is none")
        if need.scope is not Scope.ALL or need.when is not None:
            raise ValueError("needs: each is over all records and without a condition: an automation has no unit")
        if need.action not in ACTIONS and not re.match(r"move:|[a-z0-9]+_", need.action):
            raise ValueError(f"needs: {need.action!r} is no act such as read, move:sales.won or example_approve")


@attrs.frozen(kw_only=True)
class Service:
    """Something that rules can have done after a commit: `call("example_print", copies=2)`.

    Args:
        name: Stable name; begins with the plugin's name and `_`.
        run: Does it: is given a door, see `ServiceDoor`, and the values of the call by name. What it raises is tried
            again later. It may be called twice for one call: the door has a `key` and `once` against that.
        label: What a person reads.
        check: Says what is missing for it, a few words each: is given a `CheckDoor`, and the values of the call. It is
            asked in the transaction of the event, and something that is missing refuses the act; so it is quick.
            The name of a field of the record, given alone, is asked for with a form.
        ready: Says what is missing for it whatever the record, as a template that is not there: is given a reader, the
            entities of the records that it is called for, and the values of the call. `crm.problems()` tells it.
        by_hand: Whether people may ask for it themselves, with `crm.services.ask`, about records that they may change.
            Then the door is theirs, and what `run` returns is given to them.
        needs: What it must be allowed, beside reading the record: the fewest grants, each over all, of which whoever
            approves a rule that calls it is told. The entity `"record"` stands for that of the record that it is
            called for: `Grant("record", "update", Scope.ALL)`.
        reads: Says what it shows of the record to whoever reads that, as paths: `"amount"`, `"contact.name"`, and
            `"lines[]"` for all that the rows of a list hold. It is given a reader, the record's entity, and the values
            of the call. A pipeline or rule as text that calls it is judged as if it named these itself, and is allowed
            what they need; what it comes to read later is approved when that is saved again, and not read before.
    """

    name: str = attrs.field(validator=attrs.validators.matches_re(r"[a-z][a-z0-9_]{0,63}"))
    run: Callable[[ServiceDoor, Mapping[str, Any]], Any]
    label: str = ""
    check: Callable[[CheckDoor, Mapping[str, Any]], Iterable[str]] | None = None
    ready: Callable[[Any, Sequence[str], Mapping[str, Any]], Iterable[str]] | None = None
    by_hand: bool = False
    needs: tuple[Grant, ...] = attrs.field(default=(), converter=_grants, validator=_needs)
    reads: Callable[[Any, str, Mapping[str, Any]], Iterable[str]] | None = None


@attrs.frozen(kw_only=True)
class WebApp:
    """A web application that is served with the workspace.

    Args:
        name: Stable name, unique in a workspace.
        mount: The path below which it answers, such as `"/api"`.
        build: Makes the WSGI application for a workspace (a `CRM`); called once, when serving begins.
    """

    name: str
    mount: str = attrs.field(validator=attrs.validators.matches_re(r"(/[a-z0-9_-]+)+"))
    build: Callable[[Any], WSGIApplication]
