"""Templates, as records: their bodies are files on them."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy.orm import Mapped

from opencrm import Choice, Entity, Key, Options, Structured, Text, field
from opencrm.embed import document_data


def check_data(raw: Any) -> Any:
    """Return a data map, given as an object or as the JSON text of a file's cell.

    Raises:
        ValueError: It is none; says which of its names, and why.
    """
    try:
        given = orjson.loads(raw) if isinstance(raw, str) else raw
    except orjson.JSONDecodeError:
        raise ValueError("must be an object of names and paths") from None
    document_data.data_map(given)
    return dict(given)


class Base(Entity, prefix="documents"):
    """The base of what this plugin brings."""


class Template(Base):
    """What documents are made from: the newest file on it is its body."""

    options = Options(unique=(("key",),), lookup=("key",))

    key: Mapped[str] = field(Key(64), required=True, help="By which rules name it: generate('contract').")
    name: Mapped[str] = field(Text(200, folded=True), required=True, help="What its documents are called.")
    kind: Mapped[str] = field(Choice({"word": "Word", "pdf": "PDF"}), required=True, help="Of typst, for PDF.")
    entity: Mapped[str] = field(Key(100), required=True, help="Of which records, such as deal.")
    data: Mapped[Any] = field(
        Structured(check_data),
        required=True,
        help="Each name in the body with its path: contact.name, amount?, lines[]. What ends with ? may be empty.",
    )
