"""Fields that hold text, or one of some words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
from sqlalchemy import String
from sqlalchemy import Text as LongText
from sqlalchemy.types import TypeEngine

from opencrm.core import columns
from opencrm.core.fields.base import FieldType, plain_text
from opencrm.core.points import email_key, phone_key
from opencrm.core.values import fold


@attrs.frozen
class Text(FieldType[str]):
    """Text of one line or, with `lines`, of many; `folded` keeps a key beside it, so that it can be compared.

    Without a key, conditions only look for a part of it, with A to Z in either case.
    """

    name = "text"
    max: int = 200
    folded: bool = False
    lines: bool = False

    @property
    def ordered(self) -> bool:  # type: ignore[override]  # depends on the declaration
        return self.folded

    @property
    def filterable(self) -> bool:
        return self.folded

    def column(self) -> TypeEngine[Any]:
        return LongText() if self.lines else String(self.max)

    def parse(self, raw: Any) -> str | None:
        text = _bounded(raw, self.max)
        if self.folded and not text.isascii() and len(fold(text)) > 2 * self.max:
            raise ValueError("is too long once its ligatures are spelled out")
        return text or None


@attrs.frozen
class Key(FieldType[str]):
    """A short technical name, compared exactly."""

    name = "key"
    ordered = True
    max: int = 64

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(self.max)

    def parse(self, raw: Any) -> str | None:
        return _bounded(raw, self.max) or None


@attrs.frozen
class Choice(FieldType[str]):
    """One of some options: `{key: label}`; sorted by their keys."""

    name = "choice"
    ordered = True
    options: Mapping[str, str] = attrs.field(hash=False)

    @property
    def ranged(self) -> bool:
        return False

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(64)

    def parse(self, raw: Any) -> str:
        return _chosen(raw, self.options)


@attrs.frozen
class Choices(FieldType[tuple[str, ...]]):
    """Some of some options: `{key: label}`; in their own order, each once."""

    name = "choices"
    options: Mapping[str, str] = attrs.field(hash=False)

    def column(self) -> TypeEngine[Any]:
        return columns.ListColumn()

    def parse(self, raw: Any) -> tuple[str, ...] | None:
        given = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(given, list | tuple):
            raise ValueError("must be a list of options, or their names with commas between them")
        wanted = {_chosen(each, self.options) for each in given if each != ""}
        return tuple(key for key in self.options if key in wanted) or None

    def dump(self, value: Any) -> list[str]:
        return list(value)


@attrs.frozen
class Email(FieldType[str]):
    """An e-mail address, in its normal form; deliverability is not checked."""

    name = "email"
    ordered = True

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(254)

    def parse(self, raw: Any) -> str:
        return email_key(plain_text(raw))


@attrs.frozen
class Phone(FieldType[str]):
    """A phone number, in the international form of E.164; `region` is the country of national numbers."""

    name = "phone"
    ordered = True
    region: str = "US"

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(32)

    def parse(self, raw: Any) -> str:
        return phone_key(plain_text(raw).strip(), self.region)


@attrs.frozen
class Link(FieldType[str]):
    """A web address; compared with A to Z in either case."""

    name = "link"
    ordered = True

    @property
    def ranged(self) -> bool:
        return False

    @property
    def indexable(self) -> bool:
        return False  # It may be longer than what an index holds.

    def column(self) -> TypeEngine[Any]:
        return LongText()

    def parse(self, raw: Any) -> str | None:
        text = _bounded(raw, 2000)
        if not text:
            return None
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(map(str.isspace, text))
            good = good and parts.port != 0  # Raises for `javascript:alert(1)`, whose port is no number.
        except ValueError:
            good = False
        if not good:
            raise ValueError("must be a web address such as https://example.com")
        return text


def _chosen(raw: Any, options: Mapping[str, str]) -> str:
    """Return the key of the option that is meant by its key or by its label."""
    text = plain_text(raw).strip()
    if text in options:
        return text
    wanted = fold(text)
    for key, label in options.items():
        if fold(label) == wanted:
            return key
    raise ValueError(f"must be one of {', '.join(options)}")


def _bounded(raw: Any, most: int) -> str:
    text = plain_text(raw)
    if len(text) > most:
        raise ValueError(f"must have at most {most} characters; it has {len(text)}")
    return text
