"""A program that imports a file and may be killed at any moment: `python killed_import.py URL FILE MAP`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from opencrm import CRM
from opencrm.plugins.importing.running import Wish, run_import


@contextmanager
def _telling(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
    """Say when rows are in, so that the killer knows that it is under way."""
    yield lambda steps: print(steps, flush=True)  # the killer listens


def main(url: str, file: str, named: str) -> None:
    crm = CRM(url)
    [outcome] = run_import(crm, crm.sole_owner(), Wish(path=Path(file), map=Path(named)), _telling)
    crm.close()
    sys.exit(outcome.progress.rejected)


if __name__ == "__main__":
    main(*sys.argv[1:])
