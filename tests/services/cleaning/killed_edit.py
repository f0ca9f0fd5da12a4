"""A program that edits all deals and may be killed at any moment: `python killed_edit.py URL SOURCE [ACT]`."""

from __future__ import annotations

import sys

from opencrm import CRM, All, Deal, MassEdit, editing


def main(url: str, source: str, act: str | None = None) -> None:
    crm = CRM(url)
    owner = crm.sole_owner()
    wish = MassEdit(Deal, where=All(), set={"source": source})
    editing.run(
        lambda: crm.work(owner),
        wish,
        act=act,
        pace=editing.Pace(first=20, seconds=0.01),
        tell=lambda so_far: print(so_far.act, flush=True),  # the killer listens
    )
    crm.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
