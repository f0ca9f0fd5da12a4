"""Runs many generated companies: what `make test-access` does.

    python -m tests.properties.access --companies 2000 --operations 50 --seed opencrm

`--first 17 --companies 1` runs the company of that number alone.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.properties.access.many import Wanted, run


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties.access")
    parser.add_argument("--companies", type=int, default=2000)
    parser.add_argument("--operations", type=int, default=50)
    parser.add_argument("--seed", default="opencrm")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    wanted = Wanted(given.seed, given.first, given.companies, given.operations)
    sys.exit(0 if run(wanted, given.processes) else 1)


if __name__ == "__main__":
    main()
