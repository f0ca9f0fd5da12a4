"""What must be done to get from one snapshot to another, and what only a script can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import attrs

from opencrm.storage.migrations.snapshot import ColumnShape, Snapshot, TableShape

Kind: TypeAlias = Literal["create table", "add column", "drop index", "create index"]

_ORDER: tuple[Kind, ...] = ("create table", "add column", "drop index", "create index")


@attrs.frozen
class Operation:
    """One additive change: of the table itself or, with `name`, of its column or index."""

    kind: Kind
    table: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.table}" if not self.name else f"{self.kind} {self.table}.{self.name}"


@attrs.frozen
class Difference:
    """How a declaration differs from what is recorded.

    Attributes:
        operations: What is additive, in the order in which it can be done.
        refused: A sentence for each change that only a script can make; names table and column.
    """

    operations: tuple[Operation, ...]
    refused: tuple[str, ...]


def difference(recorded: Snapshot, declared: Snapshot) -> Difference:
    """Compare two snapshots."""
    found = list(_differences(recorded, declared))
    operations = [each for each in found if isinstance(each, Operation)]
    refused = [each for each in found if isinstance(each, str)]
    return Difference(tuple(sorted(operations, key=lambda each: _ORDER.index(each.kind))), tuple(refused))


def _differences(recorded: Snapshot, declared: Snapshot) -> Iterator[Operation | str]:
    for name in sorted(recorded.keys() - declared.keys()):
        yield f"table {name} is declared no longer"
    for name, shape in declared.items():
        if name in recorded:
            yield from _columns(name, recorded[name], shape)
            yield from _constraints(name, recorded[name], shape)
            yield from _indexes(name, recorded[name], shape)
        else:
            yield Operation("create table", name)


def _columns(table: str, before: TableShape, after: TableShape) -> Iterator[Operation | str]:
    for name in sorted(before["columns"].keys() - after["columns"].keys()):
        yield f"column {table}.{name} is declared no longer"
    for name, shape in after["columns"].items():
        if name in before["columns"]:
            yield from _column(f"{table}.{name}", before["columns"][name], shape)
        elif shape["nullable"]:
            yield Operation("add column", table, name)
        else:
            yield f"column {table}.{name} is new and NOT NULL"


def _column(label: str, before: ColumnShape, after: ColumnShape) -> Iterator[str]:
    if before["type"] != after["type"]:
        yield f"column {label} changes its type from {before['type']} to {after['type']}"
    if before["nullable"] != after["nullable"]:
        yield f"column {label} becomes {'nullable' if after['nullable'] else 'NOT NULL'}"
    if before["default"] != after["default"]:
        yield f"column {label} changes its default from {before['default']} to {after['default']}"


def _constraints(table: str, before: TableShape, after: TableShape) -> Iterator[str]:
    for name, shape in before["constraints"].items():
        kept = after["constraints"].get(name)
        if kept is None:
            yield f"table {table} loses {shape['definition']}"
        elif kept != shape:
            yield f"table {table} has {kept['definition']} instead of {shape['definition']}"
    for name in sorted(after["constraints"].keys() - before["constraints"].keys()):
        shape = after["constraints"][name]
        of_new_columns = before["columns"].keys().isdisjoint(shape["columns"])
        if shape["kind"] != "foreign key" or not of_new_columns:
            yield f"table {table} gains {shape['definition']}"


def _indexes(table: str, before: TableShape, after: TableShape) -> Iterator[Operation | str]:
    for name, shape in before["indexes"].items():
        kept = after["indexes"].get(name)
        if kept == shape:
            continue
        if shape["unique"]:
            yield f"unique index {table}.{name} {'changes' if kept else 'is declared no longer'}"
        else:
            yield Operation("drop index", table, name)
    for name, shape in after["indexes"].items():
        old = before["indexes"].get(name)
        if old is None or (old != shape and not old["unique"]):
            yield Operation("create index", table, name)
