"""The pages of what processes are declared with: in Python, from the docstrings; as text, from what reads it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import Parameter
from types import MappingProxyType
from typing import Any

import process_examples as examples
from shapes import head, lines, page, table

import opencrm
from opencrm.core.process import actions, events, selectors
from opencrm.core.process.text import grammar, parts
from opencrm.core.process.text.events import EVENT
from opencrm.core.process.text.kinds import Filter, Kind, Named, Off, OneOf, Pairs, Scalar, Several, Text
from opencrm.core.process.text.parts import Constant
from opencrm.core.process.text.tables import Choice, Later, Table, Under


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Events": _words(
            """created changed assigned deleted entered left done cancelled overdue submitted rotten every after
            before"""
        ),
        "Actions": _words("update create move assign give notify send generate report call only_if wait"),
        "Selectors": _words("person head_of pick"),
        "Values and durations": _words("value by"),
    }
)
"""The functions, by what they make."""
CLASSES = ("Pipeline", "Stage", "Requirement", "TaskSpec", "Escalation", "Form", "Calendar", "Rule", "Sla", "WebForm")
TABLES: Mapping[str, tuple[Table, str]] = MappingProxyType(
    {
        "A pipeline": (grammar.PIPELINE, "pipelines"),
        "A stage": (grammar.STAGE, "stages"),
        "A requirement": (grammar.REQUIREMENT, "enter"),
        "A task": (grammar.TASK, "tasks"),
        "An escalation": (grammar.ESCALATION, "escalations"),
        "A form": (parts.FORM, "form"),
        "A calendar": (parts.CALENDAR, "calendar"),
        "A rule": (grammar.RULE, "rules"),
    }
)
"""What stands in a table of its own, each with the key under which its example has it."""
CHOICES: Mapping[str, tuple[Choice, Any]] = MappingProxyType(
    {
        "An action": (grammar.ACTION, actions),
        "An event": (EVENT, events),
        "A selector": (parts.SELECTOR, selectors),
    }
)
"""What is one of several forms, each with the module whose functions make it in Python."""


def declarations() -> str:
    """Return the page of the declarations in Python."""
    told = [
        head("Processes as declarations", "the docstrings in src/opencrm/core/, and docs/process_examples.py"),
        lines(examples.PYTHON_INTRODUCTION),
    ]
    for name in CLASSES:
        told += _declared(name)
        if name == "Requirement":
            told += ["### required", *_called(["required"]), _python("required")]
    for title, names in GROUPS.items():
        told += [f"## {title}", lines(examples.ABOUT[title]), *_called(names), _python(title)]
    return page(told)


def as_text() -> str:
    """Return the page of the same as TOML."""
    told = [head("Processes as text", "src/opencrm/core/process/text/, and docs/process_examples.py")]
    told.append(lines(examples.TEXT_INTRODUCTION))
    for title, (form, _) in TABLES.items():
        told += [f"## {title}", *_keys(title, form), f"```toml\n{examples.TOML[title].strip()}\n```"]
    for title, (choice, module) in CHOICES.items():
        told += [f"## {title}", lines(examples.ABOUT_TEXT[title]), _forms(choice, module)]
    for title in ("A duration", "A value"):
        told += [f"## {title}", lines(examples.ABOUT_TEXT[title]), f"```toml\n{examples.TOML[title].strip()}\n```"]
    return page(told)


def _declared(name: str) -> Iterator[str]:
    found = getattr(opencrm, name)
    yield f"## {name}"
    yield f"```text\n{_signature(name)}\n```"
    yield _prose(found)
    yield table(("argument", "meaning"), [(f"`{it}`", text) for it, text in arguments(found).items()])
    yield _python(name)


def _called(names: Iterable[str]) -> Iterator[str]:
    yield table(("call", "meaning"), [(f"`{_signature(it)}`", _one_line(_prose(getattr(opencrm, it)))) for it in names])
    for name in names:
        told = arguments(getattr(opencrm, name))
        if told:
            yield f"Of `{name}`:"
            yield "\n".join(f"- `{it}`: {text}" for it, text in told.items())


def _python(title: str) -> str:
    return f"```python\n{examples.PYTHON[title].strip()}\n```"


def _signature(name: str) -> str:
    """Return how something is called, without types."""
    signature = inspect.signature(getattr(opencrm, name))
    several = [it.replace(annotation=Parameter.empty, default=_default(it)) for it in signature.parameters.values()]
    plain = signature.replace(parameters=several, return_annotation=inspect.Signature.empty)
    return f"{name}{plain}".replace("'", '"')


class _Shown(str):
    """What stands in a signature for a default."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _default(it: Parameter) -> Any:
    if it.default is Parameter.empty or it.default is None or isinstance(it.default, bool | int | str):
        return it.default
    return _Shown("()" if it.default == () else "...")


def _prose(documented: Any) -> str:
    """Return a docstring without what it says of arguments, results and errors."""
    text = re.split(r"\n\n(?:Args|Returns|Raises|Attributes):\n", inspect.getdoc(documented) or "")[0]
    return "\n\n".join(map(lines, text.split("\n\n")))


def arguments(documented: Any) -> dict[str, str]:
    """Return what a docstring says of each argument."""
    text = inspect.getdoc(documented) or ""
    told = re.search(r"^Args:\n(?P<them>(?:    .*\n?|\n(?=    ))+)", text, re.MULTILINE)
    several = re.split(r"^    (?=\w+: )", told["them"], flags=re.MULTILINE)[1:] if told else []
    return {name: _one_line(rest) for name, _, rest in (each.partition(": ") for each in several)}


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _keys(title: str, form: Table) -> Iterator[str]:
    meanings = {**arguments(form.make), **examples.MEANINGS.get(title, {})}
    about = examples.ABOUT_TEXT.get(title)
    yield _prose(form.make) if about is None else lines(about)
    rows = [
        (f"`{form.name_of(it)}`", kind_of(kind), "yes" if form.is_required(it) else "", meanings[it])
        for it, kind in form.kinds.items()
    ]
    rows += [(f"`{name}`", *rest) for name, rest in examples.BESIDE.get(title, {}).items()]
    yield table(("key", "holds", "needed", "meaning"), rows)


def _forms(choice: Choice, module: Any) -> str:
    rows = [(f'`"{word}"`', examples.WORDS[word], "") for word in choice.words]
    for word, form in choice.forms.items():
        made = getattr(module, word, None)
        meaning = re.sub(r": `\w+\([^`]*\)`", "", _one_line(_prose(made)))  # A call is how Python has it.
        rows.append((f"`{form.sample}`", meaning, "; ".join(_held(form, arguments(made)))))
    return table(("written", "meaning", "keys"), rows)


def _held(form: Table | Under, told: Mapping[str, str]) -> Iterator[str]:
    whole = form.table if isinstance(form, Under) else form
    for it, kind in whole.kinds.items():
        free = "" if whole.is_required(it) else " (may be left out)"
        meaning = f": {told[it].rstrip('.')}" if it in told and it != "values" else ""
        yield f"`{whole.name_of(it)}`, {kind_of(kind)}{free}{meaning}"


_SECTIONS: tuple[tuple[Kind, str], ...] = (
    *((form, title) for title, (form, _) in TABLES.items()),
    *((choice, title) for title, (choice, _) in CHOICES.items()),
    (parts.DURATION, "A duration"),
)
_TOLD: Mapping[type[Any], Callable[[Any], str]] = MappingProxyType(
    {
        Text: lambda kind: f"text such as `{kind.like}`" if kind.like else "text",
        Scalar: lambda kind: kind.what,
        OneOf: lambda kind: f"one of {', '.join(f'`{word}`' for word in kind.words)}",
        Several: lambda kind: f"list, each {kind_of(kind.kind)}",
        Named: lambda kind: f"table of names, each with {kind_of(kind.kind)}",
        Pairs: lambda _: 'list of pairs such as `["new", "won"]`',
        Filter: lambda _: "[a condition](conditions.md#nodes)",
        Off: lambda _: 'text, or `"off"`',
        Constant: lambda _: "[a value](#a-value)",
        Later: lambda kind: kind_of(kind.kind()),
    }
)


def kind_of(kind: Kind) -> str:
    """Say what a key holds, with a link to where it has a section of its own."""
    title = next((title for known, title in _SECTIONS if known is kind), None)
    if title is not None:
        return f"[{title[0].lower()}{title[1:]}](#{title.lower().replace(' ', '-')})"
    return _TOLD[type(kind)](kind)
