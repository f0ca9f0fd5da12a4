"""`python -m tests.crash`: the long version, whose figures are printed."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash.crashing import Wish, crash


def main() -> int:
    """Run it on both databases, or on one."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser("python -m tests.crash", description="Kill processes while changes flow.")
    parser.add_argument("--changes", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="both by default")
    given = parser.parse_args()
    wrong = 0
    for kind in given.database or ["sqlite", "postgresql"]:
        with TemporaryDirectory(prefix="opencrm-crash-", ignore_cleanup_errors=True) as folder:
            wish = Wish(changes=given.changes, imported=given.changes, seed=given.seed)
            found = crash(Path(folder), kind, wish)
        print(f"\n{kind}:")
        for name, number in found.figures.items():
            print(f"  {name}: {number:,}")
        print("\n".join(f"  WRONG: {text}" for text in found.wrong) or "  all is well")
        wrong += len(found.wrong)
    return 1 if wrong else 0


sys.exit(main())
