"""What costs something before anything is done: `opencrm --help`, and a hook that nobody implements."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from timeit import repeat

from benchmarks.measuring import Measured, Pairs, in_turn
from opencrm.hooks import Hooks

_CLICK = "import click; click.Group('bare', help='A program.')(['--help'])"
_OURS = "import sys; sys.argv = ['opencrm', '--help']; from opencrm.cli import main; main()"


def help_(rounds: int) -> Iterator[Measured]:
    """Measure `opencrm --help` against a bare click program's."""
    pairs = in_turn(lambda: _run(_CLICK), lambda: _run(_OURS), rounds=rounds)
    line = pairs.line("opencrm --help (floor: bare click)", "-")
    more = (line.ours - line.floor) * 1000
    yield pairs.line("opencrm --help (floor: bare click)", "-", note=f"{more:+.0f} ms; target +30 ms")


def empty_hook(times: int) -> Iterator[Measured]:
    """Measure a hook without implementations against a function call."""
    hooks, changes = Hooks([]), ()

    def bare(changes: object, door: object) -> object:
        return None

    names = {"bare": bare, "hooks": hooks, "changes": changes, "door": str}
    floor, ours = (
        [taken / times for taken in repeat(text, globals=names, number=times, repeat=15)]
        for text in ("bare(changes, door)", "hooks.check_change(changes, door)")
    )
    line = Pairs(floor, ours).line("hook without implementations (floor: a call)", "-")
    yield Pairs(floor, ours).line(line.name, "-", note=f"{line.ours * 1e9:.0f} ns; target 150 ns")


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
