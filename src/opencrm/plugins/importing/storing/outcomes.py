"""What becomes of a chunk's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import Any

import attrs

from opencrm.embed import Loaded
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Draft


class Culprits(Exception):
    """Some rows of a chunk cannot be written; nothing of the chunk is kept.

    Attributes:
        faults: What is wrong, by line.
        held: Lines of rows that have to wait for others.
    """

    def __init__(self, faults: Mapping[int, Fault], held: Set[int] = frozenset()) -> None:
        super().__init__(f"{len(faults)} rows")
        self.faults = faults
        self.held = held


@attrs.define(eq=False)
class Group:
    """The rows of a chunk that stand for one and the same record.

    Attributes:
        rows: Their positions.
        draft: The one whose values count: the last, or the first where a record that is there is left alone.
        id: The record's id; None until it is made.
        new_keys: Keys of the rows that the record does not have yet.
        held: What the record holds of the fields by which it is recognised, once the rows are written.
    """

    rows: list[int]
    draft: Draft
    id: str | None = None
    new_keys: list[str] = attrs.field(factory=list)
    held: tuple[tuple[str, Any], ...] = ()

    @property
    def loaded(self) -> Loaded:
        """The typed values."""
        assert self.draft.loaded is not None
        return self.draft.loaded


@attrs.define
class Written:
    """What became of a chunk.

    Attributes:
        tally: `"deal created"` and the like, with how many.
        touched: By target, the lines whose record was made or brought up to date here.
        later: Lines whose records lack a reference to a row that comes later, with these targets.
    """

    tally: Counter[str] = attrs.field(factory=Counter)
    touched: dict[int, set[int]] = attrs.field(factory=dict)
    later: dict[int, set[int]] = attrs.field(factory=dict)
