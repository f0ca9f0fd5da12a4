"""Reads maps written in TOML."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from string import Formatter
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opencrm.plugins.importing.mapping.maps import FileMap, Map, Part, Past, Source, Step, Target
from opencrm.plugins.importing.problems import BadMap

Raw: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

_FILE = ("path", "sheet", "header", "header_row", "encoding", "delimiter", "translate", "target")
_TARGET = ("name", "entity", "key", "match", "fields", "parts", "history", "existing", "optional", "template")
_ORIGINS = ("column", "columns", "template", "value", "target", "principal")
_TREATMENTS = ("join", "translate", "default", "without", "times", "decimal", "format", "by", "system")
_TEXTS = ("join", "decimal", "format", "by", "system", "template", "target", "principal")


def read_map(path: Path, entity: str | None = None) -> Map:
    """Return the map in a TOML file.

    Args:
        path: The file.
        entity: The entity of the targets that name none.

    Raises:
        BadMap: It is not TOML, or says something that maps do not have; names the place.
    """
    data = path.read_bytes()
    try:
        raw = tomllib.loads(data.decode())
    except ValueError as error:
        raise BadMap(path.name, f"is not TOML: {error}") from None
    except RecursionError:
        raise BadMap(path.name, "is nested too deeply") from None
    return parse_map(raw, name=path.name, entity=entity, digest=hashlib.sha256(data).hexdigest())


def parse_map(raw: Raw, *, name: str, entity: str | None, digest: str) -> Map:
    """Return the map that a parsed TOML document says; see `read_map`."""
    single = "file" not in raw
    _known(raw, ("system", "zone", "automations", "fields", "file", *(_FILE if single else ())), name)
    files = [{word: raw[word] for word in _FILE if word in raw}] if single else _tables(raw, "file", name)
    return Map(
        name=name,
        system=_text(raw, "system", name) or "",
        zone=_zone(raw, name),
        automations=_typed(raw, "automations", bool, name) or False,
        files=tuple(_file(each, f"{name}, file {at}", entity) for at, each in enumerate(files, 1)),
        fields=tuple(_tables(raw, "fields", name)),
        digest=digest,
    )


def _zone(raw: Raw, place: str) -> str | None:
    zone = _text(raw, "zone", place)
    try:
        return zone and ZoneInfo(zone).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise BadMap(place, f"zone {zone!r} is no IANA time zone such as 'Europe/London'") from None


def _file(raw: Raw, place: str, entity: str | None) -> FileMap:
    _known(raw, _FILE, place)
    targets = _tables(raw, "target", place)
    if not targets:
        raise BadMap(place, "has no [[target]]: say which record a row stands for")
    return FileMap(
        path=_text(raw, "path", place) or "",
        sheet=_text(raw, "sheet", place),
        header=_names(raw, "header", place),
        header_row=_line(raw, place),
        encoding=_text(raw, "encoding", place),
        delimiter=_text(raw, "delimiter", place),
        translate={
            column: _texts(each, f"{place}, translate.{column}")
            for column, each in _table(raw, "translate", place).items()
        },
        targets=tuple(_target(each, f"{place}, target {at}", entity) for at, each in enumerate(targets, 1)),
    )


def _line(raw: Raw, place: str) -> int | None:
    line = raw.get("header_row")
    if line is None:
        return None
    if type(line) is not int or line < 1:
        raise BadMap(place, "header_row must be the number of a line, from 1")
    return line


def _target(raw: Raw, place: str, entity: str | None) -> Target:
    _known(raw, _TARGET, place)
    entity = _text(raw, "entity", place) or entity
    if entity is None:
        raise BadMap(place, "names no entity")
    existing = raw.get("existing", "update")
    if existing not in ("update", "keep"):
        raise BadMap(place, 'existing must be "update" or "keep"')
    return Target(
        name=_text(raw, "name", place) or entity,
        entity=entity,
        key=_source(raw["key"], f"{place}, key") if "key" in raw else None,
        match=_names(raw, "match", place),
        fields=_part(_table(raw, "fields", place), f"{place}, fields"),
        parts={name: _parts(each, f"{place}, parts.{name}") for name, each in _table(raw, "parts", place).items()},
        past=_past(raw["history"], f"{place}, history") if "history" in raw else None,
        existing=existing,
        optional=_typed(raw, "optional", bool, place) or False,
        template=_text(raw, "template", place),
    )


def _part(raw: Raw, place: str) -> Part:
    return {name: _source(each, f"{place}.{name}") for name, each in raw.items()}


def _parts(raw: Any, place: str) -> tuple[Part, ...]:
    if not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
        raise BadMap(place, "must be a list of tables")
    return tuple(_part(each, f"{place}[{at}]") for at, each in enumerate(raw))


def _past(raw: Any, place: str) -> Past:
    if not isinstance(raw, dict):
        raise BadMap(place, "must be a table")
    _known(raw, ("created_at", "moves"), place)
    created = _source(raw["created_at"], f"{place}.created_at") if "created_at" in raw else None
    return Past(
        created, tuple(_step(each, f"{place}.moves[{at}]") for at, each in enumerate(_tables(raw, "moves", place)))
    )


def _step(raw: Raw, place: str) -> Step:
    _known(raw, ("stage", "at"), place)
    if set(raw) != {"stage", "at"}:
        raise BadMap(place, "must have stage and at")
    return Step(_source(raw["stage"], f"{place}.stage"), _source(raw["at"], f"{place}.at"))


def _source(raw: Any, place: str) -> Source:
    """Return a source: a text alone is a column's header."""
    if isinstance(raw, str):
        return Source(columns=(raw,))
    if not isinstance(raw, dict):
        raise BadMap(place, 'must be a column\'s name or a table, such as { value = "EUR" }')
    _known(raw, (*_ORIGINS, *_TREATMENTS), place)
    if len([word for word in _ORIGINS if word in raw]) != 1:
        raise BadMap(place, f"must have one of {', '.join(_ORIGINS)}")
    for word in _TEXTS:
        _text(raw, word, place)
    if raw.get("decimal", ".") not in (".", ","):
        raise BadMap(place, 'decimal must be "." or ","')
    if raw.get("principal", "user") not in ("user", "unit"):
        raise BadMap(place, 'principal must be "user" or "unit"')
    return Source(
        columns=(raw["column"],) if "column" in raw and _text(raw, "column", place) else _names(raw, "columns", place),
        template=_template(raw, place),
        value=raw.get("value"),
        target=raw.get("target"),
        principal=raw.get("principal"),
        translate=_table(raw, "translate", place),
        default=raw.get("default"),
        without=_names(raw, "without", place),
        times=_times(raw, place),
        **{word: raw[word] for word in ("join", "decimal", "format", "by", "system") if word in raw},
    )


def _template(raw: Raw, place: str) -> str | None:
    text = _text(raw, "template", place)
    try:
        fields = list(Formatter().parse(text or ""))
    except ValueError as error:
        raise BadMap(place, f"template: {error}") from None
    if any(spec or conversion for _, _, spec, conversion in fields):
        raise BadMap(place, "template: braces hold a column's name and nothing else")
    return text


def _times(raw: Raw, place: str) -> Decimal | None:
    try:
        return Decimal(str(raw["times"])) if "times" in raw else None
    except InvalidOperation:
        raise BadMap(place, "times must be a number") from None


def _known(raw: Raw, words: tuple[str, ...], place: str) -> None:
    for word in raw:
        if word not in words:
            raise BadMap(place, f"does not know {word!r}; it may have {', '.join(words)}")


def _typed(raw: Raw, word: str, kind: type[T], place: str) -> T | None:
    found = raw.get(word)
    if found is not None and not isinstance(found, kind):
        raise BadMap(place, f"{word} must be a {_KINDS[kind]}")
    return found


def _text(raw: Raw, word: str, place: str) -> str | None:
    return _typed(raw, word, str, place)


def _table(raw: Raw, word: str, place: str) -> dict[str, Any]:
    return _typed(raw, word, dict, place) or {}


def _tables(raw: Raw, word: str, place: str) -> list[Raw]:
    found = _typed(raw, word, list, place) or []
    if not all(isinstance(each, dict) for each in found):
        raise BadMap(place, f"{word} must be a list of tables")
    return found


def _names(raw: Raw, word: str, place: str) -> tuple[str, ...]:
    found = _typed(raw, word, list, place) or []
    if not all(isinstance(each, str) for each in found):
        raise BadMap(place, f"{word} must be a list of names")
    return tuple(found)


def _texts(raw: Any, place: str) -> dict[str, str]:
    if not isinstance(raw, dict) or not all(isinstance(each, str) for each in raw.values()):
        raise BadMap(place, "must be a table of texts")
    return raw


_KINDS: Mapping[type, str] = {str: "text", dict: "table", list: "list", bool: "true or false"}
