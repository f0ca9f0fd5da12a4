"""References to rows that come later: does the file bring such a record at all?

What a file offers is kept in a Bloom filter of 4 MiB, whatever the file's size. At 1,000,000 rows it takes one text
in 5,000 for offered that is not; such a row is looked at in the second pass and rejected there.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from opencrm.embed import fold
from opencrm.plugins.importing.mapping.maps import KEY
from opencrm.plugins.importing.rows.drafts import Link
from opencrm.plugins.importing.rows.evaluating import Cells
from opencrm.plugins.importing.rows.planning import FilePlan
from opencrm.plugins.importing.rows.plans import Item, TargetPlan

_BYTES = 1 << 22


class Offers:
    """What the rows of one file offer to each other; the file is read only when somebody asks."""

    def __init__(self, plan: FilePlan) -> None:
        self._plan = plan
        self._known: dict[Link, bytearray] = {}

    def has(self, link: Link, text: str) -> bool:
        """Say whether some row of the file stands for the record that a text means."""
        if link not in self._known:
            self._known[link] = self._read(link)
        known = self._known[link]
        return all(known[at >> 3] & (1 << (at & 7)) for at in _bits(link, text))

    def _read(self, link: Link) -> bytearray:
        items = [
            item for target in self._plan.targets if target.spec.name == link.entity for item in _offering(target, link)
        ]
        found = bytearray(_BYTES)
        for row in self._plan.file.rows() if items else ():
            for text in _texts(items, row.cells) if row.fault is None else ():
                for at in _bits(link, text):
                    found[at >> 3] |= 1 << (at & 7)
        return found


def _offering(target: TargetPlan, link: Link) -> list[Item]:
    if link.by == (KEY,):
        return [target.key] if target.key is not None and target.system == link.system else []
    return [item for item in target.items if item.name in link.by and item.link is None]


def _texts(items: list[Item], cells: Cells) -> Iterator[str]:
    for item in items:
        try:
            found = item.get(cells)
        except ValueError:  # The row itself is rejected for it.
            continue
        if found is not None:
            yield str(found)


def _bits(link: Link, text: str) -> Iterator[int]:
    """Give the four bits of a text, as its key or as its field is compared."""
    normal = text.strip() if link.by == (KEY,) else fold(text)
    digest = blake2b(normal.encode("utf-8", "replace"), digest_size=16).digest()
    return (int.from_bytes(digest[at : at + 4]) % (_BYTES * 8) for at in range(0, 16, 4))
