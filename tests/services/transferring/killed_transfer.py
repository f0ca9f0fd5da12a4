"""A program that gives Bob's records away and may be killed at any moment: `python killed_transfer.py URL [ACT]`."""

from __future__ import annotations

import sys

from opencrm import CRM, transferring
from opencrm.services.cleaning.pacing import Pace


def main(url: str, act: str | None = None) -> None:
    crm = CRM(url)
    owner = crm.sole_owner()
    leaver, *to = (crm.principal(f"{name}@example.com").id for name in ("bob", "cleo", "dan"))
    transferring.run(
        lambda: crm.read(owner),
        lambda: crm.work(owner),
        transferring.Transfer(leaver, to=to),
        act=act,
        pace=Pace(first=20, seconds=0.01),
        tell=lambda so_far: print(so_far.act, flush=True),  # the killer listens
    )
    crm.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
