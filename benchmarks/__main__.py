"""`python -m benchmarks`: measure, and print the table."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence

from benchmarks import (
    creating,
    events,
    import_file,
    importing,
    organising,
    paging,
    queue_jobs,
    queue_workers,
    rest,
    searching,
    starting,
)
from benchmarks.databases import Place, places
from benchmarks.large import measure as large
from benchmarks.measuring import Measured, show

OnPlace = Callable[[Place, argparse.Namespace], Iterator[Measured]]

ON_DATABASES: dict[str, OnPlace] = {
    "import": lambda place, given: importing.measure(place, given.contacts),
    "import-file": lambda place, given: import_file.measure(place, given.contacts),
    "create": lambda place, given: creating.measure(place, given.rounds),
    "event": lambda place, given: events.measure(place, given.rounds),
    "queue": lambda place, given: queue_jobs.measure(place, given.rounds),
    "workers": lambda place, given: queue_workers.measure(place),
    "page": lambda place, given: paging.measure(place, given.deals, given.rounds),
    "search": lambda place, given: searching.measure(place, given.contacts, given.rounds),
    "organisation": lambda place, given: organising.measure(place, given.rounds),
    "rest": lambda place, given: rest.measure(place, given.deals, given.rounds),
    "rest-called": lambda place, given: rest.measure_called(place, given.deals, given.rounds),
}
AT_SIZE: dict[str, OnPlace] = {"large": lambda place, given: large.measure(place, given.rows, given.rounds)}
"""Measured only where they are named."""

ALONE: dict[str, Callable[[argparse.Namespace], Iterator[Measured]]] = {
    "help": lambda given: starting.help_(max(given.rounds // 4, 5)),
    "hook": lambda given: starting.empty_hook(100_000),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    given = _parser().parse_args(arguments)
    unknown = sorted({*given.only} - {*ON_DATABASES, *AT_SIZE, *ALONE})
    if unknown:
        _parser().error(f"no benchmark is called {', '.join(unknown)}")
    warnings.simplefilter("ignore")
    chosen = given.only or [*ON_DATABASES, *ALONE]
    lines: list[Measured] = []
    with places(given.database or ["sqlite", "postgresql"]) as found:
        for name in chosen:
            for line in _measured(name, found, given):
                show([line])
                lines.append(line)
        listed = {} if given.no_statements else {"create": creating.statements, "event": events.statements}
        told = [(name, it, tell(it)) for name, tell in listed.items() if name in chosen for it in found]
    show(lines)
    for name, place, sides in told:
        _tell(name, place, sides)


def _measured(name: str, found: Sequence[Place], given: argparse.Namespace) -> Iterator[Measured]:
    if name in ALONE:
        yield from ALONE[name](given)
        return
    for place in found:
        yield from {**ON_DATABASES, **AT_SIZE}[name](place, given)


def _tell(name: str, place: Place, sides: dict[str, list[str]]) -> None:
    for side, statements in sides.items():
        print(f"\n{name} on {place.name}, {side}: {len(statements)} statements")
        for text in statements:
            shown = " ".join(text.split())
            print(f"  {shown[:150]}{' ...' if len(shown) > 150 else ''}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure opencrm against hand-written code.")
    parser.add_argument(
        "only", nargs="*", help=f"of {', '.join([*ON_DATABASES, *ALONE, *AT_SIZE])}; all but large by default"
    )
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="both by default")
    parser.add_argument("--contacts", type=int, default=100_000, help="contacts of an import, or to search among")
    parser.add_argument("--deals", type=int, default=100_000, help="deals that the page is taken from")
    parser.add_argument("--rows", type=int, default=1_000_000, help="deals, and contacts, of the large company")
    parser.add_argument("--rounds", type=int, default=40, help="measurements of each side")
    parser.add_argument("--no-statements", action="store_true", help="do not list the statements of a create")
    return parser


main()
