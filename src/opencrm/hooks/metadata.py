"""What a plugin of one file says about itself, read from its text: nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

NAMES = frozenset({"__version__", "__requires__", "__hook_api__"})
"""What a plugin of one file may say about itself."""


@attrs.frozen(kw_only=True)
class FileMetadata:
    """The metadata of a plugin of one file.

    Attributes:
        version: `__version__`, or empty.
        requires: `__requires__`: requirements as packages write them, such as `("opencrm>=0.1,<1",)`.
        hook_api: `__hook_api__`, the number of the contract that it is written for, or None.
    """

    version: str = ""
    requires: tuple[str, ...] = ()
    hook_api: int | None = None


def read_file_metadata(path: Path) -> FileMetadata:
    """Return what a file assigns, as literals, to `__version__`, `__requires__` and `__hook_api__`.

    Raises:
        ValueError: It cannot be read, is no Python, or assigns something else; a sentence.
    """
    try:
        told = dict(_literals(ast.parse(path.read_bytes(), str(path))))
    except (OSError, ValueError, SyntaxError, TypeError, RecursionError) as error:
        raise ValueError(f"cannot be read: {error}") from None
    version, api = told.get("__version__", ""), told.get("__hook_api__")
    if not isinstance(version, str) or not isinstance(api, int | None):
        raise ValueError("__version__ must be text, and __hook_api__ a number")
    requires = told.get("__requires__", ())
    texts = (requires,) if isinstance(requires, str) else requires
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise ValueError("__requires__ must be a requirement such as 'opencrm>=0.1', or a list of them")
    return FileMetadata(version=version, requires=tuple(texts), hook_api=api)


def _literals(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            yield from ((name, ast.literal_eval(statement.value)) for name in names & NAMES)
