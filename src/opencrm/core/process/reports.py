"""Reports: what was done about a record, for whoever is to hear of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, unquote

from opencrm.core.process.actions import Call, call
from opencrm.core.process.selectors import Creator, HeadOf, Owner, Person, Pick, Selector, pick

SERVICE = "report_send"
"""The service that sends reports."""

LONGEST_LABEL = 100
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CALLED = re.compile(r"(\w+)\((.*)\)")
_WORDS: Mapping[str, Selector] = MappingProxyType({"owner": Owner(), "creator": Creator()})


def report(name: str, to: Selector, *, label: str | None = None) -> Call:
    """Tell somebody what came of a record: what was sold, when it passed each stage, and who did it.

    It comes into their inbox and, unless they chose otherwise, by mail; each time with what they may read.

    Args:
        name: Stable name, such as `"finished_order"`.
        to: Whom.
        label: What it is called; by default made of the name.

    Raises:
        ValueError: The name or the label cannot be used.
    """
    key = name.replace(" ", "_")
    if not _NAME.fullmatch(key):
        raise ValueError(f"{name!r} is no name of a report such as finished_order")
    return call(SERVICE, name=key, label=titled(label or key.replace("_", " ").capitalize()), to=written(to))


def titled(label: str) -> str:
    """Return what a report is called, after checking it: it becomes a part of a text with places.

    Raises:
        ValueError: It cannot be used.
    """
    if re.search(r"[{}\n]", label) or len(label) > LONGEST_LABEL:
        raise ValueError(f"{label!r}: a report's label is one line without places, of at most {LONGEST_LABEL} letters")
    return label


def written(one: Selector) -> str:
    """Return a selector in one word, as a service is given it: `"head_of(owner)"`."""
    match one:
        case Person(email):
            return f"person({quote(email)})"
        case HeadOf(of):
            return f"head_of({written(of)})"
        case Pick():
            return f"pick({quote(one.role)},{quote(one.within or '')},{one.strategy})"
        case Owner():
            return "owner"
    return "creator"


def read(text: str) -> Selector:
    """Return the selector that a word means.

    Raises:
        ValueError: It is none.
    """
    if text in _WORDS:
        return _WORDS[text]
    found = _CALLED.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is nobody such as owner, head_of(owner) or person(ann@example.com)")
    word, inner = found.groups()
    match word:
        case "head_of":
            return HeadOf(read(inner))
        case "person":
            return Person(unquote(inner))
        case "pick":
            role, within, strategy = (*map(unquote, inner.split(",")), "", "")[:3]
            given = {"within": within or None, **({"strategy": strategy} if strategy else {})}
            return pick(role, **given)  # type: ignore[arg-type]  # it judges what it is given
    raise ValueError(f"{word!r} is none of head_of, person and pick")
