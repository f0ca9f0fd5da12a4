"""The command line: `opencrm COMMAND ...`.

Its modules import what they need when a command runs, so that `opencrm --help` stays quick.
"""

from __future__ import annotations


def main() -> None:
    """Run the program `opencrm` and leave the process with its exit code."""
    from opencrm.cli.border import install_last_resort
    from opencrm.cli.root import root

    install_last_resort()
    root(prog_name="opencrm")


__all__ = ["main"]
