"""What a map says of the columns: fields to be defined, what stands for nothing, what is left out and why."""

from __future__ import annotations

from collections.abc import Iterator

from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.proposing import Proposal, constant
from opencrm.plugins.importing.guessing.toml_text import commented, inline, key, line, quoted


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
    lines += [f"#   column {column.at + 1}: has no header; {_values(column)}" for column in proposed.unnamed]
    return ["# Left out, or worth a look:", *map(_visible, lines)] if lines else []


def doubt(column: Column) -> str:
    dates = column.found.dates
    if dates is None or not dates.format:
        return ""
    if dates.doubt:
        return f"NOT SURE: {dates.doubt} fits as well; no day above 12 decides it"
    return f"{dates.proof} decides day and month" if dates.proof else ""


def _kind(column: Column) -> str:
    """Return the kind of a custom field; an amount without a currency is a number."""
    kind = column.found.kind
    return "number" if kind == "money" else "text" if kind == "nothing" else kind


def _share(column: Column) -> str:
    found = column.found
    rate = min(found.rate, 1.0) * (0.7 if found.kind in ("choice", "choices") and column.rows < 50 else 0.95)
    unsure = f"; {doubt(column)}" if doubt(column) else ""
    return f"{rate:.0%}{unsure}"


def _values(column: Column) -> str:
    """Return a few values, for a person to recognise the column by."""
    some = sorted(column.counts, key=lambda value: -column.counts[value])[:3]
    shown = ", ".join(value[:30] for value in some)
    return f"{column.filled:,} values, {len(column.counts):,} different: {shown}"


def _reason(proposed: Proposal, column: Column) -> str:
    if proposed.twice(column):
        return "stands in the header twice; name the columns with header = [...]"
    if constant(column):
        return f"says {next(iter(column.counts))[:40]!r} in every row"
    return "is blank in every row"


def _visible(text: str) -> str:
    """Return a comment's line without control characters."""
    return "".join(mark if mark.isprintable() else "?" for mark in text)
