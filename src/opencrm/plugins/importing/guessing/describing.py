"""What a map says of the columns: fields to be defined, what stands for nothing, what is left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrm.embed import MOST_FIELDS
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.proposing import Proposal, constant
from opencrm.plugins.importing.guessing.toml_text import commented, inline, key, line, quoted

_SHOWN = 30


def definitions(proposed: Proposal) -> Iterator[list[str]]:
    """Give the definitions of the fields that the entity has not yet."""
    for at, (name, column) in enumerate(proposed.custom.items()):
        found = column.found
        about = [] if at else [f"# Fields that {proposed.spec.name} has not yet; the import makes them."]
        lines = [*about, "[[fields]]", line("entity", proposed.spec.name), line("key", name, _values(column))]
        lines += [line("label", column.header[:200]), line("kind", _kind(column), _share(column))]
        if found.kind in ("choice", "choices"):
            lines.append(line("choices", [each[:200] for each in found.options]))
        yield lines


def translations(proposed: Proposal) -> list[str]:
    """Return what stands for nothing, by column."""
    columns = [
        column
        for column in proposed.columns
        if column.placeholders and column.header and column.counts and not proposed.twice(column)
    ]
    lines = [f"{key(it.header)} = {inline(dict.fromkeys(it.placeholders, ''))}" for it in columns]
    return ["[translate]  # what stands for nothing", *lines] if lines else []


def left_out(proposed: Proposal) -> list[str]:
    """Return what the map leaves out, and why."""
    lines = []
    for column in proposed.left:
        if column in proposed.custom.values():
            like = proposed.like(column)
            lines += [f"#   {quoted(column.header)}: its values are those of {quoted(like.header)}"] if like else []
            continue
        lines.append(f"#   {quoted(commented(column.header))}: {_reason(proposed, column)}")
    lines += [f"#   column {column.at + 1}: has no header{_held(column)}" for column in proposed.unnamed]
    return ["# Left out, or worth a look:", *map(_visible, lines)] if lines else []


def doubt(column: Column) -> str:
    """Return what the file does not decide about a column, or which of its values does."""
    dates, unsettled = column.found.dates, column.found.unsettled
    if unsettled:
        value = next(each for each in column.counts if unsettled in each)
        other = value.replace(unsettled, "") if unsettled == "." else value.replace(",", ".")
        return f"NOT SURE: {value[:30]} may be {other[:30]} as well; decimal decides it"
    if dates is None or not dates.format:
        return ""
    if dates.doubt:
        return f"NOT SURE: {dates.doubt} fits as well; no day above 12 decides it"
    return f"{dates.proof} decides day and month" if dates.proof else ""


def misfits(column: Column, odd: Sequence[str]) -> str:
    """Return how many values do not fit, with the first of them; empty where all do."""
    number = sum(column.counts[value] for value in odd)
    if not number:
        return ""
    shown = ", ".join(repr(value[:_SHOWN]) for value in odd[:3])
    return f"{number:,} of {column.filled:,} values do{'es' if number == 1 else ''} not fit: {shown}"


def _held(column: Column) -> str:
    return f"; {_values(column)}" if column.counts else ", and is blank in every row"


def _kind(column: Column) -> str:
    """Return the kind of a custom field; an amount without a currency is a number."""
    kind = column.found.kind
    return "number" if kind == "money" else "text" if kind == "nothing" else kind


def _share(column: Column) -> str:
    found = column.found
    rate = min(found.rate, 1.0) * (0.7 if found.kind in ("choice", "choices") and column.rows < 50 else 0.95)
    odd = misfits(column, found.odd)
    told = (f"{rate:.0%}", doubt(column), f"NOT SURE: {odd}" if odd else "")
    return "; ".join(text for text in told if text)


def _values(column: Column) -> str:
    """Return a few values, for a person to recognise the column by."""
    some = sorted(column.counts, key=lambda value: -column.counts[value])[:3]
    shown = ", ".join(value[:_SHOWN] for value in some)
    return f"{column.filled:,} values, {len(column.counts):,} different: {shown}"


def _reason(proposed: Proposal, column: Column) -> str:
    if proposed.twice(column):
        return "stands in the header twice"
    if constant(column):
        return f"says {next(iter(column.counts))[:40]!r} in every row"
    if column.counts:
        return f"has no room: {proposed.spec.name} may have {MOST_FIELDS} custom fields"
    return "is blank in every row"


def _visible(text: str) -> str:
    """Return a comment's line without control characters."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)
