"""Boards and reports as JSON, and the names of what a report groups by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from opencrm.core.fields import Reference
from opencrm.core.pipeline.definition import reason_label
from opencrm.core.pipeline.reasons import REASON
from opencrm.core.values import Id, Money
from opencrm.services.analysing.measures import Conversion
from opencrm.services.reading import naming
from opencrm.services.reading.reader import Reader

if TYPE_CHECKING:
    from opencrm.services.analysing.boards import Board
    from opencrm.services.analysing.reports import Table


def board_as_json(reader: Reader, board: Board) -> dict[str, Any]:
    """Return a board as JSON carries it."""
    dump = reader.configuration.schemas.dumper(board.entity).dump
    return {
        "pipeline": board.pipeline.key,
        "label": board.pipeline.label,
        "entity": board.entity.name,
        "stages": [
            {
                "key": column.stage.key,
                "label": column.stage.label,
                "kind": column.stage.kind,
                "count": int(column.count) - column.count.capped,
                "more": column.count.capped,
                "sums": value_as_json(column.sums),
                "cards": [dump(card.values(), card.fields) for card in column.cards],
                "rotten": [card.id for card in column.cards if card.id in column.rotten],
                "limit": column.stage.limit,
            }
            for column in board.columns
        ],
    }


def table_as_json(table: Table) -> dict[str, Any]:
    """Return what a report came to as JSON carries it: an object for each row, by column."""
    rows = [{name: value_as_json(value) for name, value in zip(table.columns, row, strict=True)} for row in table.rows]
    return {
        "entity": table.entity.name,
        "group_by": list(table.groups),
        "measures": list(table.measures),
        "rows": rows,
    }


def value_as_json(value: Any) -> Any:
    """Return a group's value, or what a measure came to, as JSON carries it."""
    match value:
        case tuple():
            return [{"amount": _number(it.amount), "currency": it.currency} for it in value]
        case Conversion():
            rates = {"rate": value_as_json(value.rate), "win_rate": value_as_json(value.win_rate)}
            return {"won": value.won, "closed": value.closed, "records": value.records, **rates}
        case Decimal():
            return _number(value)
        case date():
            return value.isoformat()
    return value


def value_as_text(value: Any) -> str:
    """Return a value on one line, for a person."""
    match value:
        case None:
            return ""
        case Money():
            return f"{_number(value.amount)} {value.currency}"
        case tuple():
            return ", ".join(map(value_as_text, value))
        case Conversion():
            return "" if value.rate is None else f"{value.rate:.1%} ({value.won} of {value.records})"
    return str(value_as_json(value))


def names_of(reader: Reader, table: Table) -> Mapping[Id, str]:
    """Return what a person reads of a report's groups: of records their names, as far as they may be read, by id."""
    found: dict[Id, str] = {}
    for at, text in enumerate(table.groups):
        kind = table.entity.fields[text.partition(":")[0]].type
        if isinstance(kind, Reference):
            found |= _names(reader, kind.to, {row[at] for row in table.rows if row[at] is not None})
        elif text == REASON:
            several = reader.configuration.catalogue.pipelines_of(table.entity.name)
            found |= {row[at]: reason_label(several, row[at]) for row in table.rows if row[at] is not None}
    return found


def _names(reader: Reader, entity: str, ids: Iterable[Id]) -> dict[Id, str]:
    return {id: name for id, name in naming.names_of(reader, reader.entity(entity), ids).items() if name is not None}


def _number(number: Decimal) -> str:
    text = f"{number:.4f}"
    return text[:-2] if text.endswith("00") else text
