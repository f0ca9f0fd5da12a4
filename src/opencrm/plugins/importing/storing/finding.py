"""Finds the records that a chunk's rows name: one statement for each way of naming."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from opencrm import All, Equal, ExternalRef, In, Query
from opencrm.embed import Reader, Spec
from opencrm.plugins.importing.rows.drafts import Link

_MOST_KEPT = 20_000
_AT_ONCE = 400


@attrs.frozen
class Found:
    """What texts mean.

    Attributes:
        ids: The records found, by text.
        ambiguous: Texts that mean more than one record.
    """

    ids: Mapping[str, str]
    ambiguous: frozenset[str]


class Finder:
    """Finds records by key or field, and remembers those that were found in transactions that were kept."""

    def __init__(self) -> None:
        self._kept: dict[Link, dict[str, str]] = {}
        self._new: list[tuple[Link, dict[str, str]]] = []

    def find(self, reader: Reader, link: Link, texts: Iterable[str]) -> Found:
        """Return the records that texts mean, to this reader."""
        kept = self._kept.get(link, {})
        wanted = set(texts)
        ids = {text: kept[text] for text in wanted if text in kept}
        missing = sorted(wanted - ids.keys())
        if not missing:
            return Found(ids, frozenset())
        looked = _by_key(reader, link, missing) if link.system else _by_fields(reader, link, missing)
        self._new.append((link, dict(looked.ids)))
        return Found({**ids, **looked.ids}, looked.ambiguous)

    def keep(self) -> None:
        """Remember what was found since: the transaction was committed."""
        for link, ids in self._new:
            kept = self._kept.setdefault(link, {})
            if len(kept) > _MOST_KEPT:
                kept.clear()
            kept |= ids
        self._new.clear()

    def forget(self) -> None:
        """Forget what was found since: the transaction was taken back."""
        self._new.clear()


def keyed(reader: Reader, system: str, entity: str, keys: Sequence[str]) -> dict[str, str]:
    """Return the ids of the records that have these keys in a system."""
    found: dict[str, str] = {}
    for start in range(0, len(keys), _AT_ONCE):
        part = _padded(keys[start : start + _AT_ONCE])
        where = All((Equal("system", system), Equal("entity", entity), In("key", part)))
        rows = reader.stream(Query(ExternalRef, where=where, fields=("key", "record_id"), sort="id"))
        found |= {row["key"]: row["record_id"] for row in rows}
    return found


def named(reader: Reader, spec: Spec, field: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the records that hold these texts in a field; what the field cannot hold finds nothing."""
    usable = [text for text in texts if _fits(spec, field, text)]
    return reader.lookup(spec, field, usable)


def _by_key(reader: Reader, link: Link, texts: Sequence[str]) -> Found:
    return Found(keyed(reader, link.system, link.entity, texts), frozenset())


def _by_fields(reader: Reader, link: Link, texts: Sequence[str]) -> Found:
    spec = reader.entity(link.entity)
    ids: dict[str, str] = {}
    ambiguous: set[str] = set()
    left = list(texts)
    for field in link.by:
        for text, several in named(reader, spec, field, left).items():
            if len(several) == 1:
                ids[text] = several[0]
            elif several:
                ambiguous.add(text)
        left = [text for text in left if text not in ids and text not in ambiguous]
    return Found(ids, frozenset(ambiguous))


def _fits(spec: Spec, field: str, text: str) -> bool:
    try:
        return spec.fields[field].type.parse(text) is not None
    except ValueError:
        return False


def _padded(keys: Sequence[str]) -> tuple[str, ...]:
    """Repeat the last key up to a power of two, so that few different statements are compiled."""
    size = min(1 << (len(keys) - 1).bit_length(), _AT_ONCE)
    return (*keys, *[keys[-1]] * (size - len(keys)))
