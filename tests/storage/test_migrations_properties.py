"""Growing step by step and being made at once come to the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table

from opencrm.core.columns import AmountColumn, IdColumn, InstantColumn, JsonColumn, key_column
from opencrm.core.entity import NAMES
from opencrm.storage.engines import make_engine
from opencrm.storage.migrations import Owner

TYPES = (String(40), key_column(20), Integer(), AmountColumn(), InstantColumn(), JsonColumn())
TABLES = ("crm_a", "crm_b", "crm_c")


@attrs.frozen
class Step:
    """Something that one version adds: to a table a column (of a type, or a reference) and its index."""

    table: int
    column: int
    refers_to: int | None
    index: bool
    conditional: bool
    unique: bool


STEPS = st.lists(
    st.builds(
        Step,
        table=st.integers(0, 2),
        column=st.integers(0, 4),
        refers_to=st.none() | st.integers(0, 2),
        index=st.booleans(),
        conditional=st.booleans(),
        unique=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def declare(steps: list[Step]) -> Owner:
    """Return the declarations after some steps; of two that name the same column the first counts."""
    metadata = MetaData(naming_convention=NAMES)
    for table in sorted(
        {step.table for step in steps} | {step.refers_to for step in steps if step.refers_to is not None}
    ):
        Table(TABLES[table], metadata, Column("id", IdColumn(), primary_key=True))
    for step in steps:
        _add(metadata.tables[TABLES[step.table]], step)
    return Owner("core", list(metadata.tables.values()))


def _add(table: Table, step: Step) -> None:
    name = f"c{step.column}"
    if name not in table.columns:
        key = [] if step.refers_to is None else [ForeignKey(f"{TABLES[step.refers_to]}.id", deferrable=True)]
        table.append_column(Column(name, IdColumn() if key else TYPES[step.column], *key))
    index = f"ix_{table.name}_{name}"
    if step.index and index not in {each.name for each in table.indexes}:
        where = table.c[name].is_not(None) if step.conditional else None
        Index(index, table.c[name], "id", unique=step.unique, sqlite_where=where, postgresql_where=where)


@contextmanager
def sqlite_place(places: Any) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'crm.db'}")
        yield places(engine, None)
        engine.dispose()


def grow(place: Any, steps: list[Step]) -> dict[str, Any]:
    for number in range(1, len(steps) + 1):
        owner = declare(steps[:number])
        place.up(owner)
        assert place.waiting(owner) == []
    assert place.observe(owner) == owner.snapshot
    found: dict[str, Any] = place.shape()
    return found


def make(place: Any, steps: list[Step]) -> dict[str, Any]:
    place.up(declare(steps))
    found: dict[str, Any] = place.shape()
    return found


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_on_sqlite_growing_gives_what_making_gives(places: Any, steps: list[Step]) -> None:
    """Any sequence of additions, upgraded one by one, gives the schema of the last declaration."""
    with sqlite_place(places) as grown, sqlite_place(places) as made:
        assert grow(grown, steps) == make(made, steps)


@pytest.fixture
def engine(pg_url: str) -> Iterator[Any]:
    engine = make_engine(pg_url)
    yield engine
    engine.dispose()


@given(steps=STEPS)
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_on_postgresql_growing_gives_what_making_gives(places: Any, engine: Any, steps: list[Step]) -> None:
    """The same, in schemas of one database."""
    grown, made = (places(engine, f"s{uuid4().hex[:8]}") for _ in range(2))
    assert grow(grown, steps) == make(made, steps)
