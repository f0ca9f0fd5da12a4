"""What the acts that are no plain writes take."""

from __future__ import annotations

from typing import Any

from opencrm import Key, RecordId, Structured
from opencrm.embed import Field
from opencrm.rest import DeclaredField, RecordSchema

_STAGE = Field(name="to", type=Key(130), label="Stage", help="Key of a stage, or pipeline.stage of another pipeline.")


def _object(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("must be an object with a value for each field")
    return raw


_VALUES = Field(name="values", type=Structured(_object), label="Fields", help="What it asks for: fields by name.")


def _id(name: str, label: str) -> Field:
    return Field(name=name, type=RecordId(), label=label, required=True)


class MoveArguments(RecordSchema):
    """Where a record is to go."""

    to = DeclaredField(_STAGE, required=True)
    values = DeclaredField(_VALUES)


class AssignArguments(RecordSchema):
    """To whom a record is given: an owner, a unit or both."""

    owner_id = DeclaredField(_id("owner_id", "Owner"))
    unit_id = DeclaredField(_id("unit_id", "Unit"))


class UndoArguments(RecordSchema):
    """What is taken back: everything of an act, or one line of the journal."""

    act = DeclaredField(_id("act", "Act"))
    entry = DeclaredField(_id("entry", "Journal entry"))
