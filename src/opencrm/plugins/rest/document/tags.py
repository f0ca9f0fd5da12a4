"""The sections of the document: what people use first, what keeps the workspace last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import texts
from opencrm.plugins.rest.document.shapes import Shape

_NOUNS = ("contact", "company", "deal", "task", "activity", "product")
_THEIRS = (
    "contact_point",
    "employment",
    "deal_line",
    "price",
    "tag",
    "tagging",
    "file",
    "file_version",
    "external_ref",
)
_DEFINITIONS = ("saved_view", "segment", "custom_field", "pipeline_definition", "rule_definition")
_ORGANISATION = ("user", "unit", "role", "membership", "share", "deputy", "customer")


def tags(entities: Iterable[Spec]) -> Iterator[Shape]:
    """Give the sections in order: nouns, with those of plugins, then definitions, the organisation and the rest."""
    for entity in sorted(entities, key=_place):
        yield {"name": address(entity), "description": (entity.cls.__doc__ or entity.label).strip()}
    yield {"name": "inbox", "description": "What you were told, and where you want to be told."}
    yield {"name": "process", "description": "Pipelines and rules: what they are, and what they did."}
    yield {"name": "queue", "description": "What plugins are still to be told."}
    yield {"name": "accounts", "description": texts.ACCOUNTS}
    yield {"name": "imports", "description": "Files that were brought in."}
    yield {"name": "workspace", "description": texts.WORKSPACE}


def _place(entity: Spec) -> tuple[int, int]:
    """Sort an entity that is named nowhere, which is a plugin's, behind the nouns of the base."""
    for group, names in enumerate((_NOUNS, (), _THEIRS, _DEFINITIONS, _ORGANISATION)):
        if entity.name in names:
            return group, names.index(entity.name)
    return 1, 0
