"""An object as cells: what it holds inside becomes columns of its own.

`{"name": "Ann", "points": [{"kind": "email"}]}` has the columns `name` and `points[0].kind`; what is empty has none.
Numbers stay the text that they are in the file, so that none loses a digit; of a list of words the words are joined by
commas, as a field of several choices takes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

DEEPEST = 8
"""Levels of objects and lists within each other."""


def flat(text: str) -> dict[str, str | None]:
    """Return the cells of a line by column.

    Raises:
        ValueError: A sentence that says why the line cannot be used.
    """
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=_refuse, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")
    cells: dict[str, str | None] = {}
    for name, cell in _cells(found, "", 0):
        if name in cells:
            raise ValueError(f"names {name!r} twice")
        cells[name] = cell
    return cells


def _cells(value: Any, name: str, depth: int) -> Iterator[tuple[str, str | None]]:
    if depth > DEEPEST:
        raise ValueError(f"is nested more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _cells(inner, f"{name}.{key}" if name else key, depth + 1)
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for at, inner in enumerate(value):
            yield from _cells(inner, f"{name}[{at}]", depth + 1)
    elif value != []:
        yield name, _cell(value)


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        words = all(isinstance(each, str) and "," not in each for each in value)
        return ",".join(value) if words else json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, str) else None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in {other for other, _ in pairs[:at]})
        raise ValueError(f"names {twice!r} twice")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"is not JSON: {word} is no number")
