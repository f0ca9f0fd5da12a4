"""Writes the pages of the reference that follow from the code: `python docs/generate.py`.

`make fix` runs it, and a test fails while a page is not what the code says.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
from processes import as_text, declarations
from shapes import doc, head, lines, page, table

from opencrm.app.box import ALWAYS
from opencrm.core.access.grants import Grant, Scope
from opencrm.core.access.reach import DELEGATED
from opencrm.core.conditions import operators_of
from opencrm.core.entities import Core, Owned, Staged
from opencrm.core.entity import Spec, specs
from opencrm.core.fields import (
    Amount,
    Choice,
    Currency,
    Day,
    Email,
    Field,
    FieldType,
    Instant,
    Key,
    Link,
    Number,
    RecordId,
    Reference,
    Text,
    Whole,
    YesNo,
    field,
)
from opencrm.hooks import RoleTemplate, discover, hook_names, load
from opencrm.hooks import specs as hook_specs
from opencrm.settings import Settings

FOLDER = Path(__file__).parent / "reference"
EVERY = ("id", "created_at", "created_by", "updated_at", "deleted_at")
"""The fields that every record has."""
PLACE = ("owner_id", "unit_id")
STAGE = ("pipeline", "stage", "stage_since")

SAMPLES: Mapping[FieldType[Any], tuple[Any, ...]] = MappingProxyType(
    {
        Text(): ("  Ångström  ", 5),
        Key(): ("GTX-1", 5),
        Whole(0, 100): ("12", 12.0, 101),
        Number(): ("1234.5", "0.12345"),
        Amount(): ("1234.50", 99, "a lot"),
        Currency(): ("eur", "euro"),
        Day(): ("2026-03-02", date(2026, 3, 2), "2.3.2026"),
        Instant(): ("2026-03-02T09:00:00+01:00", datetime(2026, 3, 2, 9, tzinfo=UTC), "2026-03-02 09:00"),
        YesNo(): ("yes", 0, "perhaps"),
        Choice({"call": "Call", "note": "Note"}): ("call", "fax"),
        Email(): ("Ann@Example.com", "ann@"),
        Link(): ("example.com/windows", "ftp://example.com"),
        Reference("deal"): ("01A20046-500B-7000-BDAA-4A1DCFA85AAD", "42"),
        RecordId(): ("01a20046-500b-7000-bdaa-4a1dcfa85aad", "42"),
    }
)
"""What each type is shown with: values that it takes, and one that it refuses."""


def hooks() -> str:
    """Return the page of the hooks."""
    parts = [head("Hooks", "src/opencrm/hooks/specs.py"), doc(hook_specs)]
    for name in hook_names():
        function = getattr(hook_specs, name)
        parts += [f"## {name}", f"```text\n{signature(name)}\n```", _sections(inspect.getdoc(function) or "")]
    return page(parts)


def signature(hook: str) -> str:
    """Return a hook as it is declared, without the module's names."""
    return f"{hook}{inspect.signature(getattr(hook_specs, hook))}".replace("'", "")


def entities() -> str:
    """Return the page of the entities in the box."""
    found = specs(Core)
    parts = [
        head("Entities", "src/opencrm/core/entities/"),
        lines("""The kinds of records in the box, each declared once in `opencrm.core.entities`.
            Their names are those of permissions, conditions, the journal and files; their plurals are those of
            addresses."""),
        "## Fields that many have",
        "Every record has these, and nobody writes them by hand:",
        _fields(found[0], EVERY),
        f"{Owned.__doc__} Where an entity below says *owned*, it has these too:".replace(". Where", ".\nWhere"),
        _fields(_spec("deal"), PLACE),
        f"{Staged.__doc__} Where an entity below says *staged*, it has these too:".replace(". Where", ".\nWhere"),
        _fields(_spec("deal"), STAGE),
    ]
    return page([*parts, *(part for spec in found for part in _entity(spec))])


def field_types() -> str:
    """Return the page of the field types."""
    parts = [
        head("Field types", "src/opencrm/core/fields/"),
        lines("""One declaration, `title: Mapped[str] = field(Text(200), required=True)`, gives the column, the
            check of what enters, and what leaves. A type takes what a person, a file or JSON brings, or an already
            typed value; an empty text is no value, and is stored as nothing. The types stand in `opencrm`; a plugin
            may add its own as a subclass of `opencrm.embed.FieldType`."""),
        *(part for kind, samples in SAMPLES.items() for part in _type(kind, samples)),
        "## Structured",
        lines("""A JSON array or object that a function of yours takes apart: `Structured(check)`. Conditions
            only ask whether it is `empty` or `changed`."""),
        "## field",
        "```text\nfield(kind, " + _keywords() + ")\n```",
        _arguments(),
    ]
    return page(parts)


def settings() -> str:
    """Return the page of the settings."""
    rows = [
        (f"`{_told(each).name}`", _told(each).help, f"`{_told(each).default}`" if _told(each).default else "")
        for each in attrs.fields(Settings)
    ]
    rows += [
        ("`OPENCRM_OWNER`", "The owner's name, for `opencrm init`.", ""),
        ("`OPENCRM_OWNER_PASSWORD`", "The owner's password, for `opencrm init`.", ""),
        ("`OPENCRM_PASSWORD`", "A user's password, for `opencrm user password`.", ""),
        ("`OPENCRM_DEBUG`", "Show where an error came from: a traceback before the one line.", ""),
    ]
    parts = [
        head("Settings", "src/opencrm/settings.py"),
        "Environment variables that the command line reads; an option of a command comes before its variable.",
        "A program that embeds opencrm passes what it wants to `CRM(...)`: the library itself reads no environment.",
        table(("variable", "meaning", "default"), rows),
        lines("""Yes is `1`, `true`, `yes` or `on`; no is `0`, `false`, `no`, `off` or nothing. A variable that
            cannot be used is refused when a command starts, with exit code 8. The server that takes mail is
            `smtp://host:port`, encrypted as soon as it can be, or `smtps://name:password@host`; a password is sent
            only through an encrypted line. The region, the currency and the zone
            are those of a workspace that `opencrm init` sets up; afterwards the workspace keeps its own."""),
    ]
    return page(parts)


def standard_roles() -> str:
    """Return the page of the roles that a new workspace starts with."""
    plugin = load(next(iter(discover({"standard_roles": ALWAYS["standard_roles"]}))))
    parts = [head("Standard roles", "src/opencrm/plugins/standard_roles.py"), doc(plugin.module)]
    parts += [
        lines("""Below, each role with its grants; [permissions](permissions.md) explains the words. `*` stands for
            every entity, every action, or every stage.""")
    ]
    return page([*parts, *(part for role in plugin.declared.roles for part in _role(role))])


PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "hooks.md": hooks,
        "entities.md": entities,
        "field-types.md": field_types,
        "settings.md": settings,
        "standard-roles.md": standard_roles,
        "processes.md": declarations,
        "processes-as-text.md": as_text,
    }
)


def _sections(text: str) -> str:
    """Return a hook's five parts: When, Arguments, Return, Failure, Example."""
    prose, _, example = text.partition("Example:\n")
    told = []
    for paragraph in prose.strip().split("\n\n"):
        name, colon, rest = paragraph.partition(": ")
        told.append(f"**{name}**: {lines(rest)}" if colon and name.isalpha() else lines(paragraph))
    code = re.sub(r"\n\n(?=@|def |class )", "\n\n\n", textwrap.dedent(example).strip())  # As the formatter has it.
    return "\n\n".join([*told, f"**Example**:\n\n```python\n{code}\n```"])


def _spec(name: str) -> Spec:
    return next(spec for spec in specs(Core) if spec.name == name)


def _entity(spec: Spec) -> Iterator[str]:
    options = spec.options
    shared = {*EVERY, *(PLACE if spec.owned else ()), *(STAGE if spec.staged else ())}
    yield f"## {spec.cls.__name__}"
    yield lines(spec.cls.__doc__ or "")
    facts = [
        f"`{spec.name}`, plural `{spec.plural}`, table `{spec.table.name}`",
        *(["*owned*: has an owner and a unit"] if spec.owned else []),
        *(["*staged*: stands in a pipeline"] if spec.staged else []),
        *_places(spec),
        *(["personal: everybody's own, whatever roles grant"] * options.personal),
        *([f"may be read by the people of the unit in `{options.published_in}`"] if options.published_in else []),
        *(f"unique among living records: {' and '.join(f'`{each}`' for each in group)}" for group in options.unique),
        *([f"a file may name one by its {_or(options.lookup)}"] if options.lookup else []),
    ]
    yield "\n".join(f"- {fact}" for fact in facts)
    yield _fields(spec, [name for name in spec.fields if name not in shared])


def _places(spec: Spec) -> Iterator[str]:
    """Say what decides about an entity's records, where it is not its own grants alone."""
    options = spec.options
    if options.part_of:
        writing = "" if options.part_action == "update" else f"; writing it takes `{options.part_action}`"
        yield f"a part of the record in {_or(options.part_of)}, whose permissions decide{writing}"
    if options.nested:
        yield f"given together with the record in {_or(options.nested_in or options.part_of)} as `{options.nested}`"
    if options.organisation:
        handed = "owners write it, and [whoever else a role lets](permissions.md#the-organisation)"
        writers = handed if spec.name in DELEGATED else "owners alone write it"
        yield f"a part of the organisation: everybody with a grant may read it, {writers}"


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _fields(spec: Spec, names: Any) -> str:
    rows = [
        (f"`{name}`", _holds(spec.fields[name]), spec.fields[name].label, _remarks(spec.fields[name])) for name in names
    ]
    return table(("field", "holds", "label", "remarks"), rows)


def _holds(one: Field) -> str:
    kind = one.type
    match kind:
        case Choice():
            return "one of " + ", ".join(f"`{key}`" for key in kind.options)
        case Reference():
            return f"reference to {kind.to}"
        case Text():
            return f"text, at most {kind.max:,}"
        case Key():
            return f"key, at most {kind.max}"
    return kind.name


def _remarks(one: Field) -> str:
    told = [
        *(["required"] if one.required and one.settable else []),
        *([f"by default `{_plain(one.default)}`"] if one.default is not None else []),
        *([f"changed by {_BY[one.author]}"] if one.author else []),
        *([f"sensitive: {one.sensitive}"] if one.sensitive else []),
        *(["fast to sort by"] if one.indexed else []),
        *(["searched"] if one.searchable else []),
    ]
    return "; ".join(told)


_BY: Mapping[str, str] = MappingProxyType({"move": "a move", "assign": "an assign", "system": "opencrm"})


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(kind: FieldType[Any], samples: tuple[Any, ...]) -> Iterator[str]:
    cls = type(kind)
    yield f"## {cls.__name__}"
    yield lines(cls.__doc__ or "")
    words = ", ".join(f"`{word}`" for word in operators_of(kind))
    can = [f"in conditions: {words}" if words else "in conditions: only `empty` and `changed`"]
    can += ["lists can be sorted by it" if kind.ordered else "has no order"]
    arguments = ", ".join(f"`{each.name}`" for each in attrs.fields(cls))
    if cls is Text:
        folded, plain = (", ".join(f"`{word}`" for word in operators_of(Text(folded=it))) for it in (True, False))
        can = [f"with `folded`, in conditions: {folded}; and lists can be sorted by it"]
        can += [f"without, in conditions: {plain}; and it has no order"]
    yield "\n".join(
        [
            f"- in schemas: `{kind.name}`",
            *([f"- arguments: {arguments}"] if arguments else []),
            *(f"- {each}" for each in can),
        ]
    )
    yield table(("given", "becomes", "as JSON"), [_sample(kind, each) for each in samples])


def _sample(kind: FieldType[Any], raw: Any) -> tuple[str, str, str]:
    try:
        value = kind.parse(raw)
    except ValueError as error:
        return f"`{raw!r}`", f"refused: {error}", ""
    return f"`{raw!r}`", f"`{value!r}`", f"`{json.dumps(kind.dump(value), ensure_ascii=False)}`"


def _keywords() -> str:
    parameters = [each for each in inspect.signature(field).parameters.values() if each.name != "kind"]
    return ", ".join(f"{each.name}={each.default!r}" for each in parameters)


def _arguments() -> str:
    told = (inspect.getdoc(field) or "").partition("Args:\n")[2].splitlines()
    return "\n".join(f"- `{line.strip().partition(': ')[0]}`: {line.strip().partition(': ')[2]}" for line in told)


def _told(one: Any) -> Any:
    return one.metadata["environ_config"]


def _role(role: RoleTemplate) -> Iterator[str]:
    yield f"## {role.name}"
    yield f"Key `{role.key}`, rank {role.rank}; presets {', '.join(f'`{it}`' for it in role.presets)}."
    yield _grants(role.grants)
    for rule in role.field_rules:
        yield f"May {'read and write' if rule.write else 'read'} `{rule.entity}.{rule.field}`, which is sensitive."
    if role.delegable:
        yield "Hands on, in roles of lower rank:"
        yield _grants(role.delegable)


def _grants(grants: tuple[Grant, ...]) -> str:
    reach: dict[tuple[str, Scope], list[str]] = {}
    for grant in grants:
        reach.setdefault((grant.entity, grant.scope), []).append(grant.action)
    rows = [
        (f"`{entity}`", scope.name.lower(), ", ".join(f"`{it}`" for it in acts))
        for (entity, scope), acts in reach.items()
    ]
    return table(("entity", "scope", "actions"), rows)


def main() -> None:
    """Write the pages that are not what the code says."""
    for name, written in PAGES.items():
        file, text = FOLDER / name, written()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {file.relative_to(FOLDER.parents[1])}")


if __name__ == "__main__":
    main()
