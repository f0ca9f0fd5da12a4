"""Writes a guess down as a map that can be used as it is, and that tells a person what to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from opencrm import Amount, Reference
from opencrm.embed import Spec
from opencrm.plugins.importing.guessing.describing import definitions, doubt, left_out, misfits, translations
from opencrm.plugins.importing.guessing.matching import Match
from opencrm.plugins.importing.guessing.profiling import MOST_ROWS
from opencrm.plugins.importing.guessing.proposing import Proposal
from opencrm.plugins.importing.guessing.sources import custom_source, phone_of, source_of
from opencrm.plugins.importing.guessing.staging import stages
from opencrm.plugins.importing.guessing.toml_text import commented, line
from opencrm.plugins.importing.guessing.values import ENOUGH

_NAMELESS = "(no name)"
_REQUIRED_TEXT = {"deal": "title", "contact": "name", "company": "name", "product": "name"}


@attrs.frozen(kw_only=True)
class Told:
    """What the head of a map says of the file.

    Attributes:
        name: The file's name.
        system: A name for the system that the keys are of.
        encoding: The encoding, where it was guessed.
        sheet: The sheet, where one was named.
        header_row: The line of the header, where lines with a single cell stand above it, or columns are named anew.
        header: What the columns are called, where the file calls several alike.
    """

    name: str
    system: str
    encoding: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    header: tuple[str, ...] = ()


def written(proposed: Proposal, told: Told) -> str:
    """Return the map as TOML."""
    parts = [
        _head(proposed, told),
        *definitions(proposed),
        translations(proposed),
        *_targets(proposed),
        left_out(proposed),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(proposed: Proposal, told: Told) -> list[str]:
    rows = proposed.columns[0].rows if proposed.columns else 0
    looked = f"{rows:,} rows" + (f", the first {MOST_ROWS:,} of which were looked at" if rows >= MOST_ROWS else "")
    lines = [
        f"# A guess for {commented(told.name)}: {looked}, {len(proposed.columns)} columns.",
        "# Per cent say how sure each line is. Read it through, change what is wrong, and try it:",
        f"#     opencrm import THIS.toml {commented(told.name)} --dry-run",
        "",
        line("system", told.system, "whose keys these are: call it by the program that the file comes from"),
    ]
    if told.encoding:
        lines.append(line("encoding", told.encoding, "a guess: look whether letters beyond A to Z are right"))
    if told.sheet:
        lines.append(line("sheet", told.sheet))
    if told.header_row:
        above = "NOT SURE: the header; above it stands a title" if told.header_row > 1 else "the header"
        lines.append(line("header_row", told.header_row, above))
    if told.header:
        lines.append(line("header", told.header, "instead of the file's own, which calls several columns alike"))
    return lines


def _targets(proposed: Proposal) -> Iterator[list[str]]:
    """Give the records of a row: the company, the person, and at last the row's own."""
    spec, catalogue = proposed.spec, proposed.around.catalogue
    if spec.name != "company" and proposed.of("company"):
        head = [line("entity", "company"), line("match", ["name"]), line("existing", "keep")]
        yield ["[[target]]", *head, line("optional", value=True), *_fields(proposed, catalogue.entity("company"))]
    if spec.name != "contact" and (proposed.of("contact") or proposed.points()) and "points" not in _nested(proposed):
        head = ["[[target]]", line("entity", "contact")]
        if proposed.key is not None:
            head += [line("key", proposed.key.column.header), line("optional", value=True)]
        yield [*head, *_fields(proposed, catalogue.entity("contact")), *_points(proposed), *_employment(proposed)]
    yield [*_own_head(proposed), *_fields(proposed, spec, own=True), *_own_parts(proposed), *_history(proposed)]


def _nested(proposed: Proposal) -> Any:
    return proposed.around.schemas.nested(proposed.spec)


def _own_head(proposed: Proposal) -> list[str]:
    lines = ["[[target]]", line("entity", proposed.spec.name)]
    if proposed.key is not None:
        return [*lines, line("key", proposed.key.column.header, _why(proposed.key))]
    return [
        *lines,
        "# no column tells the rows apart: they are recognised by the file and their number",
    ]


def _why(match: Match) -> str:
    column, odd = match.column, misfits(match.column, match.odd)
    share = 1 - sum(column.counts[value] for value in match.odd) / max(column.filled, 1)
    unsure = "NOT SURE: " if odd and share < ENOUGH else ""
    told = (match.why, doubt(column), f"{unsure}{odd}" if odd else "")
    return f"{match.confidence:.0%}: {'; '.join(text for text in told if text)}"


def _fields(proposed: Proposal, spec: Spec, *, own: bool = False) -> list[str]:
    lines = ["", "[target.fields]", *_named(proposed, spec, own=own)]
    for name, match in proposed.of(spec.name).items():
        kind = spec.fields[name].type
        if name == "stage":
            lines += _stage(proposed, match)
        elif isinstance(kind, Reference):
            lines += _reference(proposed, name, match, kind)
        elif name != _REQUIRED_TEXT.get(spec.name):
            lines.append(line(name, source_of(match.column, kind), _why(match)))
    lines += _currency(proposed, spec)
    if own:
        lines += [line(name, custom_source(column)) for name, column in proposed.custom.items()]
        lines += _beside(proposed)
    return lines


def _named(proposed: Proposal, spec: Spec, *, own: bool) -> list[str]:
    """Return the line of the field that every record must have: a title or a name."""
    name = _REQUIRED_TEXT.get(spec.name)
    if name is None:
        return []
    match = proposed.of(spec.name).get(name)
    if match is not None:
        whole = match.column.filled == match.column.rows or not (own or spec.name == "contact")
        source = source_of(match.column, spec.fields[name].type)
        table = source if isinstance(source, dict) else {"column": source}
        return [line(name, source if whole else {**table, "default": _NAMELESS}, _why(match))]
    people = proposed.of("contact")
    parts = [people[each].column.header for each in ("first_name", "last_name") if each in people]
    if parts and spec.name == "contact":
        return [line(name, {"columns": parts, "default": _NAMELESS})]
    return [line(name, _substitute(proposed), "no column is called so")]


def _substitute(proposed: Proposal) -> Any:
    """Return what stands for a title that no column holds: something of the row that tells it from others."""
    for group, name in (("contact", "name"), ("company", "name"), ("product", "name")):
        match = proposed.of(group).get(name)
        if match is not None:
            return {"column": match.column.header, "default": _NAMELESS}
    key = proposed.key.column.header if proposed.key else ""
    if key and not any(mark in key for mark in "{}"):
        return {"template": f"{proposed.spec.cls.__name__} {{{key}}}"}
    texts = [column for column in proposed.columns if column.filled and column.header and not proposed.twice(column)]
    return {"column": texts[0].header, "default": _NAMELESS} if texts else {"value": _NAMELESS}


def _stage(proposed: Proposal, match: Match) -> list[str]:
    found = stages(match.column, proposed.around.catalogue.pipelines.values(), proposed.spec.name)
    if found is None:
        return [line("stage", match.column.header, f"{_why(match)}; needs a pipeline, and there is none", off=True)]
    pipeline, translate, unsure = found
    about = f"{_why(match)}; NOT SURE about {', '.join(unsure)[:200]}" if unsure else _why(match)
    source = {"column": match.column.header, "translate": translate, "default": pipeline.initial}
    return [line("pipeline", {"value": pipeline.key}), line("stage", source, about)]


def _reference(proposed: Proposal, name: str, match: Match, kind: Reference) -> list[str]:
    """Return a reference: to a row of the same file, or else commented out, since the record may not be there."""
    to = proposed.like(match.column)
    if kind.to == proposed.spec.name and to is not None:
        by = {"by": "key"} if proposed.key and to.at == proposed.key.column.at else {}
        return [line(name, {"column": match.column.header, **by}, f"{_why(match)}; names rows of {to.header}")]
    about = f"{_why(match)}; each {kind.to} must be there already, under this name"
    return [line(name, match.column.header, about, off=True)]


def _currency(proposed: Proposal, spec: Spec) -> list[str]:
    """Return the currency of amounts, where no column holds one."""
    named = proposed.of(spec.name)
    amounts = [it for name, it in named.items() if isinstance(spec.fields[name].type, Amount)]
    if not amounts or "currency" in named or "currency" not in spec.fields:
        return []
    told = amounts[0].column.found.currency
    why = "its sign stands beside the amounts" if told else "NOT SURE: the file does not say"
    return [line("currency", {"value": told or proposed.around.currency}, why)]


def _beside(proposed: Proposal) -> list[str]:
    """Return the links to the other records of the row."""
    fields, lines = proposed.spec.fields, []
    if "company_id" in fields and proposed.of("company"):
        lines.append(line("company_id", {"target": "company"}))
    if "contact_id" in fields and (proposed.of("contact") or proposed.points()):
        lines.append(line("contact_id", {"target": "contact"}))
    return lines


def _points(proposed: Proposal) -> list[str]:
    lines = []
    for match in proposed.points():
        kind = match.place[1]
        value = phone_of(match.column) if kind == "phone" else match.column.header
        lines += ["", "[[target.parts.points]]", line("kind", {"value": kind}), line("value", value, _why(match))]
        lines.append(line("label", {"value": match.column.header[:50]}))
    return lines


def _employment(proposed: Proposal) -> list[str]:
    position = proposed.of("employment").get("position")
    if not proposed.of("company") or position is None:
        return []
    lines = ["", "[[target.parts.employments]]", line("company_id", {"target": "company"})]
    return [*lines, line("position", position.column.header, _why(position))]


def _own_parts(proposed: Proposal) -> list[str]:
    parts = _nested(proposed)
    lines = _points(proposed) if "points" in parts else []
    lines += _employment(proposed) if "employments" in parts else []
    prices = proposed.of("price")
    if "amount" not in prices:
        return lines
    kind = proposed.around.catalogue.entity("price").fields["amount"].type
    amount, currency = prices["amount"], prices.get("currency")
    told = amount.column.found.currency or proposed.around.currency
    return [
        *lines,
        *("", "[[target.parts.prices]]", line("amount", source_of(amount.column, kind), _why(amount))),
        line("currency", currency.column.header) if currency else line("currency", {"value": told}, "NOT SURE"),
    ]


def _history(proposed: Proposal) -> list[str]:
    created = proposed.of("any").get("created_at")
    if created is None:
        return []
    source = source_of(created.column, proposed.spec.fields["created_at"].type)
    return ["", "[target.history]", line("created_at", source, _why(created))]
