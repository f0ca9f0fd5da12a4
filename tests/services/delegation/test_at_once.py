"""Many clients change the organisation at the same moment, in threads and in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opencrm import Create, Grant, Membership, Principal, Query, Role, Scope, Unit, User, records
from opencrm.embed import grant_rows
from opencrm.services.workspaces.configuration import load_organisation
from opencrm.services.writing.judging.organisation import owners

PROCESSES, THREADS = 4, 8


def test_invariants_7_10_and_21_hold_with_32_clients_at_once(crm, branch):
    """An owner survives, there is no circle, and nobody but the bosses of before is of their rank."""
    plan = company(crm, branch)
    done = 0
    with clients(crm, plan) as started:
        for process in started:
            answer, error = process.communicate(timeout=60)
            assert process.returncode == 0, error
            done += int(answer.split()[-1])
    assert done > 0
    with crm.work(Principal.system("look at what they left")) as work:
        assert owners(work)
        tree = load_organisation(work.tx, "")
        assert not [unit for unit in tree.parents if tree.in_circle(unit)]
        assert not [role for role in plan["roles"] if tree.roles[role].rank >= 600]
        assert high(work) <= {*plan["owners"], *plan["high"]}
        places = [(it.user_id, it.unit_id, it.role_id) for it in work.stream(Query(Membership))]
        assert len(places) == len(set(places))


def company(crm, branch):
    """Four owners, three bosses of one branch, clerks, units and roles within it."""
    with crm.work(branch.owner) as work:
        branches = [branch.units["north"]]
        units = [records.create(work, [Create(Unit, name=f"U{at}", parent_id=branches[0])])[0] for at in range(5)]
        roles = [records.create(work, [Create(Role, values=_role(at, branches[0]))])[0] for at in range(3)]
        place = {"unit_id": branches[0], "role_id": branch.roles["boss"]}
        bosses = [records.create(work, [Create(User, name="Boss", memberships=[place])])[0] for _ in range(3)]
        seat = {"unit_id": branch.units["HQ"], "role_id": branch.roles["owner"]}
        more = [records.create(work, [Create(User, name="Owner", memberships=[seat])])[0] for _ in range(3)]
        held = high(work)
    ids = lambda several: [it.record_id for it in several]  # noqa: E731
    return {
        "owners": [branch.owner.id, *ids(more)],
        "bosses": ids(bosses),
        "clerks": [branch.clerk.id, branch.other.id],
        "units": [*branches, *ids(units)],
        "roles": ids(roles),
        "high": sorted(held),
    }


def high(work):
    """Who holds a role of the bosses' rank."""
    ranks = {row.id: row.rank for row in work.stream(Query(Role))}
    return {seat.user_id for seat in work.stream(Query(Membership)) if ranks[seat.role_id] >= 600}


def _role(at, home):
    grants = [Grant("deal", "read", Scope.TEAM)]
    return {"key": f"r{at}", "name": f"R{at}", "rank": 100, "grants": grant_rows(grants), "home_unit_id": home}


@contextmanager
def clients(crm, plan) -> Iterator[list[subprocess.Popen[str]]]:
    """Run the processes; all begin when the last one is ready."""
    program = Path(__file__).with_name("organising_client.py")
    url = crm.database.engine.url.render_as_string(hide_password=False)
    given = [url, crm.database.schema or "", json.dumps(plan), str(THREADS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, program, *given, str(at)], **pipes) for at in range(1, PROCESSES + 1)]
    try:
        for process in started:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in started:
            process.stdin.write("\n")
            process.stdin.flush()
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()
