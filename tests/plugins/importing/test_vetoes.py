"""Plugins judge imported rows as they judge everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from opencrm import Change, Objection, hookimpl

MAP = 'system = "x"\n[[target]]\nentity = "company"\nkey = "no"\nfields.name = "name"\n'


class NoBs:
    """A plugin that objects to names with a B."""

    @hookimpl
    def opencrm_check_change(self, changes: Sequence[Change]) -> Iterator[Objection]:
        for change in changes:
            if "B" in (change.after.get("name") or ""):
                yield Objection(change.id, "no_bs", "A name must not have a B.", "name")


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [NoBs()]


def test_a_plugins_veto_rejects_its_rows_alone(bring: Callable[..., object]) -> None:
    """Code, column and sentence are the plugin's; the others of the chunk are kept."""
    brought = bring("no,name\n" + "".join(f"{at},{'B' if at % 7 == 0 else 'A'}\n" for at in range(30)), MAP)
    assert brought.counts == {"company created": 25}
    assert [(row["row"], row["column"], row["code"], row["reason"]) for row in brought.errors] == [
        (str(at + 2), "name", "no_bs", "A name must not have a B.") for at in (0, 7, 14, 21, 28)
    ]
