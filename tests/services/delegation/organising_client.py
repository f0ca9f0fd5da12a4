"""Several people who change the organisation at random: `python organising_client.py URL SCHEMA PLAN THREADS SEED`."""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from opencrm import (
    CRM,
    Create,
    Delete,
    Membership,
    OpenCRMError,
    Principal,
    Query,
    Restore,
    Role,
    Unit,
    Update,
    User,
    records,
)

ACTS = 6


def main(url: str, schema: str, plan: str, threads: str, seed: str) -> None:
    crm = CRM(url, schema=schema or None)
    print("ready", flush=True)
    sys.stdin.readline()  # All begin at once.
    print(run(crm, json.loads(plan), int(threads), int(seed)))
    crm.close()


def run(crm: CRM, plan: dict[str, list[str]], threads: int, seed: int) -> int:
    """Let so many clients act; return how many acts were done."""
    start = Barrier(threads)

    def client(at: int) -> int:
        rng = random.Random(f"{seed} {at}")
        start.wait(timeout=30)
        return sum(_try(crm, plan, rng) for _ in range(ACTS))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(client, range(threads)))


def _try(crm: CRM, plan: dict[str, list[str]], rng: random.Random) -> bool:
    who = Principal.user(rng.choice(plan["owners"] + plan["bosses"]))
    try:
        with crm.work(who) as work:
            rng.choice(ATTEMPTS)(work, plan, rng)
    except OpenCRMError:
        return False
    return True


def _disable_an_owner(work, plan, rng):
    records.update(work, [Update(User, rng.choice(plan["owners"]), active=rng.random() < 0.2)])


def _unseat_an_owner(work, plan, rng):
    seats = [it for it in work.list(Query(Membership, limit=200)) if it.user_id in plan["owners"]]
    records.delete(work, [Delete(Membership, it.id) for it in rng.sample(seats, min(1, len(seats)))])


def _seat_an_owner(work, plan, rng):
    seats = [it for it in work.list(Query(Membership, limit=200, deleted=True)) if it.user_id in plan["owners"]]
    records.restore(work, [Restore(Membership, it.id) for it in rng.sample(seats, min(1, len(seats)))])


def _move_a_unit(work, plan, rng):
    unit, parent = rng.sample(plan["units"], 2)
    records.update(work, [Update(Unit, unit, parent_id=parent)])


def _give_a_role(work, plan, rng):
    person, role = rng.choice(plan["clerks"] + plan["bosses"]), rng.choice(plan["roles"])
    place = {"user_id": person, "role_id": role, "unit_id": rng.choice(plan["units"])}
    records.create(work, [Create(Membership, values=place)])


def _raise_a_role(work, plan, rng):
    if work.rights.owner:  # An owner may raise it to whatever they like.
        return
    records.update(work, [Update(Role, rng.choice(plan["roles"]), rank=rng.choice((100, 599, 600, 700)))])


def _add_somebody(work, plan, rng):
    place = {"role_id": rng.choice(plan["roles"]), "unit_id": rng.choice(plan["units"])}
    if not work.rights.owner:
        records.create(work, [Create(User, name="New", memberships=[place])])


ATTEMPTS = (
    _disable_an_owner,
    _unseat_an_owner,
    _seat_an_owner,
    _move_a_unit,
    _give_a_role,
    _raise_a_role,
    _add_somebody,
)

if __name__ == "__main__":
    main(*sys.argv[1:])
