"""What a map says: which columns of which files become which fields of which records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from string import Formatter
from typing import Any, Literal, TypeAlias

import attrs

Existing: TypeAlias = Literal["update", "keep"]
"""What happens to a record that stands already: it takes over the file's values, or is left alone."""

KEY = "key"
"""`by = "key"`: the reference names the record by its key in an outside system."""


OWN = "opencrm"
"""The system whose keys are the records' own ids."""


@attrs.frozen(kw_only=True)
class Source:
    """Where a value comes from.

    One of `columns`, `template`, `value`, `target` and `principal` says it; the others say what is done with it.

    Attributes:
        columns: Headers; the texts of several are joined, blank ones left out.
        join: What stands between the texts of several columns.
        template: Text with headers in braces.
        value: A constant.
        target: Name of an earlier target of the row, whose record is meant.
        principal: The user who imports, or their unit.
        translate: What a text becomes; others stay as they are.
        default: What a blank becomes.
        times: What a number is multiplied by.
        without: What is taken away from a number's text, such as a currency's sign.
        decimal: The decimal sign of a number, a point or a comma, where it is a comma, or commas stand between
            thousands.
        format: How a date or a time is written, in the notation of `datetime.strptime`.
        plain: Whether an apostrophe that keeps a spreadsheet from running a text is taken away.
        by: The field by which a reference names its record, or `"key"`; by default the entity's look-up fields.
        system: The system of the key, where it is not the map's.
    """

    columns: tuple[str, ...] = ()
    join: str = " "
    template: str | None = None
    value: Any = None
    target: str | None = None
    principal: Literal["user", "unit"] | None = None
    translate: Mapping[str, Any] = attrs.field(factory=dict)
    default: Any = None
    without: tuple[str, ...] = ()
    times: Decimal | None = None
    decimal: str | None = None
    format: str | None = None
    plain: bool = False
    by: str | None = None
    system: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The headers that it reads."""
        if self.template is None:
            return self.columns
        return tuple(name for _, name, _, _ in Formatter().parse(self.template) if name)

    @property
    def shown(self) -> str:
        """The header that an error is shown at; empty for a constant."""
        return next(iter(self.needs), "")


Part: TypeAlias = Mapping[str, Source]
"""The fields of one part, such as a deal's line."""


@attrs.frozen
class Step:
    """A stage that a record entered, and when; left out of the history where either is blank."""

    stage: Source
    at: Source


@attrs.frozen
class Past:
    """The mapped history of a record."""

    created_at: Source | None
    steps: tuple[Step, ...]


@attrs.frozen(kw_only=True)
class Target:
    """One record that a row stands for.

    Attributes:
        name: What later targets of the row call it.
        entity: The entity's name.
        key: Its key in the outside system.
        match: Fields by which a record that stands already is found, tried in turn.
        fields: Its fields.
        parts: Its parts, such as `points` and `lines`.
        past: Its history.
        existing: What happens to a record that stands already.
        optional: Whether a row goes without the target if it lacks its key, or another record that it requires, or if
            all the columns of its fields and parts are blank.
        template: Key of a role template that gives the values that `fields` does not.
    """

    name: str
    entity: str
    key: Source | None = None
    match: tuple[str, ...] = ()
    fields: Mapping[str, Source]
    parts: Mapping[str, tuple[Part, ...]] = attrs.field(factory=dict)
    past: Past | None = None
    existing: Existing = "update"
    optional: bool = False
    template: str | None = None

    def sources(self) -> Iterator[Source]:
        """Give every source of the target."""
        if self.key is not None:
            yield self.key
        yield from self.fields.values()
        yield from self.part_sources()
        if self.past is not None:
            yield from (self.past.created_at,) if self.past.created_at else ()
            for step in self.past.steps:
                yield from (step.stage, step.at)

    def part_sources(self) -> Iterator[Source]:
        """Give the sources of its parts."""
        for parts in self.parts.values():
            for part in parts:
                yield from part.values()


@attrs.frozen(kw_only=True)
class FileMap:
    """How one file is read.

    Attributes:
        path: Its path in the folder that is imported; empty in a map of a single file.
        sheet: The sheet of a workbook.
        header: What its columns are called, where it has no header, or with `header_row` instead of what that says.
        header_row: The line of its header, from 1, where that is not the first.
        encoding: Its encoding, where it must not be guessed.
        delimiter: What stands between its cells, where it must not be guessed.
        translate: By header, what a cell becomes before anything looks at it.
        targets: The records that each of its rows stands for, in order.
    """

    path: str = ""
    sheet: str | None = None
    header: tuple[str, ...] = ()
    header_row: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    translate: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    targets: tuple[Target, ...]

    def columns(self) -> tuple[str, ...]:
        """Return every header that the file must have."""
        named = (column for target in self.targets for source in target.sources() for column in source.needs)
        return tuple(dict.fromkeys([*named, *self.translate]))


@attrs.frozen(kw_only=True)
class Map:
    """A whole map.

    Attributes:
        name: What messages call it.
        system: The outside system whose keys the rows carry.
        zone: IANA name of the zone of times that say none; by default the workspace's.
        automations: Whether stages, tasks and rules do what they declare, as with what people enter; by default not.
        files: The files, in the order in which they are read.
        fields: Definitions of custom fields that the targets' entities must have, as tables.
        digest: SHA-256 of the map's text, in hexadecimal.
    """

    name: str
    system: str
    zone: str | None = None
    automations: bool = False
    files: tuple[FileMap, ...]
    fields: tuple[Mapping[str, Any], ...] = ()
    digest: str
