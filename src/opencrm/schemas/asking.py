"""What a form asks for, as JSON Schema describes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from opencrm.core.entity import Spec
from opencrm.schemas.marshmallow_fields import json_schema


def asked(spec: Spec, names: Iterable[str], required: Collection[str]) -> dict[str, Any]:
    """Return the JSON Schema of an object with some of an entity's fields, each with its label as the title."""
    wanted = [spec.fields[name] for name in names if name in spec.fields]
    properties = {
        field.name: {"title": field.label, **json_schema(field.type, "in", nullable=field.name not in required)}
        for field in wanted
    }
    return {"type": "object", "properties": properties, "required": [it.name for it in wanted if it.name in required]}
