"""What written pages of the reference are made of: headings, prose with one sentence a line, tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

NOTE = "<!-- Written by docs/generate.py from {source}; change it there. -->"


def head(title: str, source: str) -> str:
    """Return how a page begins."""
    return f"{NOTE.format(source=source)}\n\n# {title}"


def page(parts: Iterable[str]) -> str:
    """Return a page of its parts."""
    return "\n\n".join(parts) + "\n"


def lines(text: str) -> str:
    """Return prose with one sentence a line."""
    joined = re.sub(r"\s*\n\s*", " ", text.strip())
    return re.sub(r"(?<=[a-z0-9)`*\]][.!?]) (?=[A-Z`])", "\n", joined)


def doc(documented: Any) -> str:
    """Return a docstring's paragraphs, lists and tables as a page has them."""
    text = inspect.cleandoc(documented.__doc__ or "").replace("\\\\", "\\")
    paragraphs = text.split("\n\n")
    return "\n\n".join(each if each.startswith(("-", "|", " ")) else lines(each) for each in paragraphs)


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    told = [tuple(names), tuple("---" for _ in names), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in told)
