"""`bring(...)` imports a text as somebody would a file, and tells what became of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from opencrm import CRM, Principal
from opencrm.plugins.importing.running import Outcome, Wish, run_import
from opencrm.testing import Firm


@attrs.frozen
class Brought:
    """What an import did."""

    outcome: Outcome
    errors: list[dict[str, str]]

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.outcome.progress.tally)


@contextmanager
def no_bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    yield lambda _steps: None


@pytest.fixture
def bring(crm: CRM, firm: Firm, tmp_path: Path) -> Callable[..., Brought]:
    """`bring(rows, map)` imports rows, as the owner if nobody is named."""

    def run(
        rows: str | bytes,
        named: str | None = None,
        *,
        entity: str | None = None,
        by: Principal | None = None,
        file: str = "rows.csv",
        dry_run: bool = False,
    ) -> Brought:
        path = tmp_path / file
        path.write_bytes(rows if isinstance(rows, bytes) else rows.encode())
        mapped = None
        if named is not None:
            mapped = tmp_path / "map.toml"
            mapped.write_text(named, encoding="utf-8")
        wish = Wish(path=path, map=mapped, entity=entity, dry_run=dry_run)
        [outcome] = run_import(crm, by or firm.owner, wish, no_bar)
        return Brought(outcome, read_errors(outcome.errors))

    return run


def read_errors(path: Path | None) -> list[dict[str, str]]:
    if path is None:
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        delimiter = stream.readline()[len("row")]
        stream.seek(0)
        return list(csv.DictReader(stream, delimiter=delimiter))
