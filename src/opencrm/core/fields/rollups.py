"""Fields that opencrm computes from the records that refer to a record."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import attrs

Measure: TypeAlias = Literal["count", "sum", "average", "least", "greatest", "interval"]

MEASURES: tuple[Measure, ...] = get_args(Measure)


@attrs.frozen(kw_only=True)
class Rollup:
    """What is computed: `Rollup(over="activity", by="contact_id", measure="greatest", of="happened_at")`.

    It counts all living records, whoever may see them; a field that must not tell of them is declared sensitive.

    Args:
        over: Name of the entity whose records are counted.
        by: The reference field of theirs that leads to the record with the roll-up.
        measure: What is computed; an interval is how many days lie between one and the next on average.
        of: The field that is summed, averaged or compared; of amounts, those in the workspace's currency; of an
            interval, a day.
        where: A condition that the counted records meet, as JSON holds conditions; it looks at their own fields and
            at no moving date.

    Raises:
        ValueError: It is not of its form.
    """

    over: str
    by: str
    measure: Measure
    of: str | None = None
    where: Any = attrs.field(default=None, hash=False)

    def __attrs_post_init__(self) -> None:
        if not all(isinstance(each, str) for each in (self.over, self.by, self.of or "")):
            raise ValueError("over, by and of must be names")
        if self.measure not in MEASURES:
            raise ValueError(f"measure must be one of {', '.join(MEASURES)}")
        if (self.measure == "count") == (self.of is not None):
            raise ValueError("of names the field that is measured; a count has none")


def check_rollup(raw: Any) -> dict[str, Any]:
    """Return a roll-up as a definition holds it.

    Raises:
        ValueError: It is not of its form.
    """
    names = {"over", "by", "measure", "of", "where"}
    if not isinstance(raw, dict) or not set(raw) <= names or not {"over", "by", "measure"} <= set(raw):
        raise ValueError("must name over, by and measure, and may name of and where")
    Rollup(**raw)
    return {name: value for name, value in raw.items() if value is not None}
