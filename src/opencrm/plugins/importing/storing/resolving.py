"""Puts the records that rows name into their drafts.

What can be found beforehand is found before anything of a chunk is written. A reference to an entity that an earlier
target of the file makes is found when that target has been written: the row itself may bring the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import attrs

from opencrm.embed import Reader
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Draft, Link, RowDraft, Wanted
from opencrm.plugins.importing.rows.forward import Offers
from opencrm.plugins.importing.rows.planning import FilePlan
from opencrm.plugins.importing.storing.finding import Finder, Found

Chosen: TypeAlias = Callable[[int, Link], bool]


@attrs.define
class Resolved:
    """What became of the references of some rows.

    Attributes:
        faults: What is wrong, by line.
        later: Lines to look at again in the second pass, with the targets that wait for a reference.
        held: Lines of rows that cannot be written before that.
    """

    faults: dict[int, Fault] = attrs.field(factory=dict)
    later: dict[int, set[int]] = attrs.field(factory=dict)
    held: set[int] = attrs.field(factory=set)

    def good(self, rows: Sequence[RowDraft]) -> list[RowDraft]:
        """Return the rows that can be written now."""
        return [row for row in rows if row.line not in self.faults and row.line not in self.held]


@attrs.frozen
class Resolver:
    """Resolves the references of one file's rows.

    Args:
        plan: What the rows stand for.
        finder: Finds records.
        offers: Knows which records the file itself brings.
        final: Whether this is the second pass, in which nothing is put off any more.
    """

    plan: FilePlan
    finder: Finder
    offers: Offers
    final: bool

    def early(self, reader: Reader, rows: Sequence[RowDraft]) -> Resolved:
        """Find what no earlier target of the file can make."""
        return self._resolve(reader, rows, lambda at, link: not self._made_before(at, link))

    def late(self, reader: Reader, rows: Sequence[RowDraft], target: int) -> Resolved:
        """Find what one target's records refer to and earlier targets may have made."""
        return self._resolve(reader, rows, lambda at, link: at == target and self._made_before(at, link))

    def _made_before(self, at: int, link: Link) -> bool:
        return any(target.spec.name == link.entity for target in self.plan.targets[:at])

    def _resolve(self, reader: Reader, rows: Sequence[RowDraft], chosen: Chosen) -> Resolved:
        wishes = [
            (row.line, at, draft, wanted, link) for row in rows for at, draft, wanted, link in _named(row, chosen)
        ]
        texts: dict[Link, set[str]] = {}
        for *_, wanted, link in wishes:
            texts.setdefault(link, set()).add(wanted.text)
        found = {link: self.finder.find(reader, link, several) for link, several in texts.items()}
        result = Resolved()
        for line, at, draft, wanted, link in wishes:
            id = found[link].ids.get(wanted.text)
            draft.put(wanted.place, id)
            if id is None:
                self._miss(result, line, at, wanted, link, found[link])
        return result

    def _miss(self, result: Resolved, line: int, at: int, wanted: Wanted, link: Link, found: Found) -> None:
        """Note that a record was not found: a fault, unless a later row brings it."""
        if self.final or wanted.text in found.ambiguous or not self.offers.has(link, wanted.text):
            result.faults.setdefault(line, _fault(wanted, link, found))
            return
        result.later.setdefault(line, set()).add(at)
        if link.required:
            result.held.add(line)


def _named(row: RowDraft, chosen: Chosen) -> Iterator[tuple[int, Draft, Wanted, Link]]:
    for at, draft in enumerate(row.drafts):
        for wanted in draft.wanted if draft is not None else ():
            if draft is not None and wanted.link is not None and chosen(at, wanted.link):
                yield at, draft, wanted, wanted.link


def _fault(wanted: Wanted, link: Link, found: Found) -> Fault:
    if wanted.text in found.ambiguous:
        return Fault(wanted.column, "ambiguous_reference", f"means more than one {link.entity}", wanted.text)
    how = "with this key " if link.system else ""
    return Fault(wanted.column, "no_such_record", f"there is no {link.entity} {how}that you may read", wanted.text)
