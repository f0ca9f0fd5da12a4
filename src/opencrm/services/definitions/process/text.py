"""Pipelines and rules as TOML: those of the workspace's own, read back by `apply`; those of plugins as comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs

from opencrm.core.change import Values
from opencrm.core.entities import PipelineDefinition, RuleDefinition
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.rules import Rule
from opencrm.core.process.text import plain
from opencrm.errors import InputError
from opencrm.services.definitions import toml
from opencrm.services.process.overseeing.checks import standing
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query, Record

Kind: TypeAlias = Literal["pipelines", "rules"]

CLASSES: Mapping[Kind, type[Any]] = MappingProxyType({"pipelines": PipelineDefinition, "rules": RuleDefinition})
"""The entities whose records hold them."""
BESIDE: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {"pipelines": ("retired", "replaced_by"), "rules": ("retired", "active")}
)
"""What a table says beside the definition itself."""
_HEADS: Mapping[Kind, str] = MappingProxyType(
    {
        kind: f"# {kind.capitalize()}. `opencrm {kind} plan` says what a change of this text would do, "
        f"`opencrm {kind} apply` does it.\n"
        for kind in CLASSES
    }
)


@attrs.frozen
class Standing:
    """A pipeline or a rule of a workspace.

    Attributes:
        key: Its name.
        source: The plugin that brings it; None of the workspace's own.
        active: Whether a rule is switched on; a pipeline always is.
        retired: Whether it is out of force.
        definition: It, as text; None where it cannot be written.
        grants: What its automation may do; of the workspace's own.
    """

    key: str
    source: str | None
    active: bool
    retired: bool
    definition: Values | None
    grants: tuple[Values, ...] = ()


def listed(reader: Reader, kind: Kind) -> list[Standing]:
    """Return the pipelines or the rules, those of the workspace's own first, each by key.

    Raises:
        PermissionDenied: The reader may read no definitions.
    """
    spec = reader.entity(CLASSES[kind])
    if reader.rights.expression(spec, "read").nothing:
        raise reader.rights.denied(f"{spec.name}.read", "no grant")
    own = [_own(record) for record in stored(reader, kind) if record["definition"] is not None]
    return [*own, *_plugged(reader, kind)]


def stored(reader: Reader, kind: Kind) -> list[Record]:
    """Return the records that define pipelines or rules, by key."""
    return sorted(reader.stream(Query(CLASSES[kind], sort="created_at")), key=lambda it: it["key"])


def export(reader: Reader, kind: Kind) -> str:
    """Return the pipelines or the rules as TOML that `apply` reads back; those of plugins stand in comments.

    Raises:
        PermissionDenied: The reader may read no definitions.
    """
    several = listed(reader, kind)
    own = [_table(it, kind) for it in several if it.source is None]
    switched = [{"key": it["key"], "active": it["active"]} for it in stored(reader, kind) if it["definition"] is None]
    return "\n".join([_HEADS[kind], *_written(kind, [*own, *switched]), *_comments(several, kind)])


def parse(text: str, kind: Kind) -> list[dict[str, Any]]:
    """Return the pipelines or the rules of a text, not yet judged.

    Raises:
        InputError: It is not TOML, or not of this form.
    """
    found = toml.read(text)
    tables = found.pop(kind, [])
    if found or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise InputError({"text": [f"holds [[{kind}]] tables and nothing else"]})
    return tables


def _own(record: Record) -> Standing:
    active = bool(record.get("active", True)) and not record["retired"]
    grants = tuple(record.get("grants") or ())
    return Standing(record["key"], None, active, record["retired"], record["definition"], grants)


def _plugged(reader: Reader, kind: Kind) -> Iterator[Standing]:
    wanted: Any = Pipeline if kind == "pipelines" else Rule
    for name, it in sorted(standing(reader), key=lambda each: each[1].key):
        if isinstance(it, wanted) and "." not in name:
            yield Standing(it.key, name, getattr(it, "active", True), False, _plain(it))


def _plain(it: Pipeline | Rule) -> Values | None:
    try:
        found: Values = plain(it)
    except ValueError:
        return None
    return found


def _table(it: Standing, kind: Kind) -> dict[str, Any]:
    said = {"retired": True} if it.retired else {}
    off = {"active": False} if kind == "rules" and not it.active and not it.retired else {}
    return {**{name: value for name, value in (it.definition or {}).items() if name != "active"}, **off, **said}


def _written(kind: Kind, tables: list[dict[str, Any]]) -> Iterator[str]:
    import tomli_w

    for table in tables:
        yield tomli_w.dumps({kind: [table]})


def _comments(several: list[Standing], kind: Kind) -> Iterator[str]:
    for it in several:
        if it.source is not None:
            yield f"# Of the plugin {it.source}; only there can it be changed:"
            text = "cannot be written as text" if it.definition is None else "".join(_written(kind, [_table(it, kind)]))
            yield "".join(f"# {line}\n" for line in text.splitlines())
