"""How two definitions differ, line by line: what is in lists goes by its key, and not by its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ARROW = " > "


def differences(before: Any, after: Any) -> list[str]:
    """Return a line for each thing that is there no longer, that is new, or that is otherwise."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    lines = [f"- {path}{_told(value)}" for path, value in old.items() if path not in new]
    lines += [f"+ {path}{_told(value)}" for path, value in new.items() if path not in old]
    both = [path for path in new if path in old and old[path] != new[path]]
    return [*lines, *(f"~ {path}: {_one(old[path])}{_ARROW}{_one(new[path])}" for path in both)]


def _leaves(it: Any, path: str) -> Iterator[tuple[str, Any]]:
    match it:
        case Mapping() if it:
            for name, value in it.items():
                yield from _leaves(value, f"{path}.{name}" if path else name)
        case list() | tuple() if it:
            yield from _items(it, path)
        case _ if path:
            yield path, it


def _items(several: Any, path: str) -> Iterator[tuple[str, Any]]:
    for number, it in enumerate(several):
        if isinstance(it, Mapping) and isinstance(it.get("key"), str):
            inner = f"{path}.{it['key']}"
            yield inner, None
            yield from _leaves({name: value for name, value in it.items() if name != "key"} or None, inner)
        elif isinstance(it, list | tuple) and all(isinstance(each, str) for each in it):
            yield f"{path} {_ARROW.join(it)}", None
        else:
            yield from _leaves(it, f"{path}[{number}]")


def _told(value: Any) -> str:
    return "" if value is None else f": {_one(value)}"


def _one(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
