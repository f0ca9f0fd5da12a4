"""How commands print records: as a table for a person, as JSON or CSV for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from opencrm.app.crm import CRM
    from opencrm.core.entity import Spec
    from opencrm.services.reading.rows import Record

C = TypeVar("C", bound=Callable[..., Any])
WIDEST = 40
"""Of a longer value a table shows so many characters."""


def form_options(command: C) -> C:
    """Give a command `--json` and `--csv`, as its argument `form`; without them it is None."""
    as_csv = click.option("--csv", "form", flag_value="csv", help="As CSV, harmless to spreadsheets.")
    as_json = click.option("--json", "form", flag_value="json", help="As a JSON array.")
    return as_json(as_csv(command))


def print_records(crm: CRM, spec: Spec, fields: Sequence[str], records: Iterable[Record], form: str | None) -> None:
    """Print the named fields of records of one entity.

    Args:
        crm: The workspace.
        spec: What the records are.
        fields: Names of fields, in order.
        records: Records that have these fields.
        form: `"json"` or `"csv"`; None for a table.
    """
    if form == "csv":
        rows = ([record[name] for name in fields] for record in records)
        crm.catalogue.exporters["csv"].write(sys.stdout.buffer, fields, rows)
        return
    dumped = [crm.schemas.dump(spec, record.values(), fields) for record in records]
    if form == "json":
        click.echo(json.dumps(dumped, ensure_ascii=False, indent=2))
        return
    print_table(fields, [[cell(row[name]) for name in fields] for row in dumped])


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts below a header, in columns."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def cell(value: Any) -> str:
    """Return a value on one line, without what a terminal would obey."""
    if value is None:
        return ""
    shown = harmless(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return shown if len(shown) <= WIDEST else f"{shown[: WIDEST - 1]}…"


def harmless(text: str) -> str:
    """Return a text on one line, without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
