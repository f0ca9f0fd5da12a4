"""Puts the records that rows name into their drafts, before anything of a chunk is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from opencrm.embed import Reader
from opencrm.plugins.importing.drafts import Draft, Link, RowDraft, Wanted
from opencrm.plugins.importing.finding import Finder, Found
from opencrm.plugins.importing.forward import Offers
from opencrm.plugins.importing.problems import Fault


@attrs.define
class Resolved:
    """What became of a chunk's references.

    Attributes:
        rows: The rows that can be written now.
        faults: What is wrong with others, by line.
        later: Lines of rows to look at again in the second pass, with the targets that wait for a reference.
    """

    rows: list[RowDraft]
    faults: dict[int, Fault]
    later: dict[int, set[int]]


@attrs.frozen
class Resolver:
    """Resolves the references of one file's rows.

    Args:
        finder: Finds records.
        offers: Knows which records the file itself brings.
        final: Whether this is the second pass, in which nothing is put off any more.
    """

    finder: Finder
    offers: Offers
    final: bool

    def resolve(self, reader: Reader, rows: Sequence[RowDraft]) -> Resolved:
        """Find what rows name; a row whose required record comes later waits, as does any other reference."""
        found = self._found(reader, rows)
        result = Resolved([], {}, {})
        for row in rows:
            wait = False
            for at, draft, wanted in _named(row):
                assert wanted.link is not None
                id = found[wanted.link].ids.get(wanted.text)
                draft.put(wanted.place, id)
                if id is not None:
                    continue
                if not self._comes(wanted, found[wanted.link]):
                    result.faults[row.line] = _fault(wanted, wanted.link, found[wanted.link])
                    break
                result.later.setdefault(row.line, set()).add(at)
                wait = wait or wanted.link.required
            else:
                if not wait:
                    result.rows.append(row)
        for line in result.faults:
            result.later.pop(line, None)
        return result

    def _found(self, reader: Reader, rows: Sequence[RowDraft]) -> dict[Link, Found]:
        texts: dict[Link, set[str]] = {}
        for row in rows:
            for _, _, wanted in _named(row):
                if wanted.link is not None:
                    texts.setdefault(wanted.link, set()).add(wanted.text)
        return {link: self.finder.find(reader, link, several) for link, several in texts.items()}

    def _comes(self, wanted: Wanted, found: Found) -> bool:
        if self.final or wanted.link is None or wanted.text in found.ambiguous:
            return False
        return self.offers.has(wanted.link, wanted.text)


def _named(row: RowDraft) -> Iterator[tuple[int, Draft, Wanted]]:
    for at, draft in enumerate(row.drafts):
        for wanted in draft.wanted if draft is not None else ():
            if wanted.link is not None and draft is not None:
                yield at, draft, wanted


def _fault(wanted: Wanted, link: Link, found: Found) -> Fault:
    if wanted.text in found.ambiguous:
        return Fault(wanted.column, "ambiguous_reference", f"means more than one {link.entity}", wanted.text)
    how = "with this key " if link.system else ""
    return Fault(wanted.column, "no_such_record", f"there is no {link.entity} {how}that you may read", wanted.text)
