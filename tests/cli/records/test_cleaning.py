"""`opencrm edit`, `duplicates`, `merge` and `undo`."""

from __future__ import annotations

import json
import re

import pytest

from opencrm import CRM, Contact, Create, Deal, Grant, Membership, Query, Role, Scope, Unit, User, records
from opencrm.embed import grant_rows


@pytest.fixture
def office(folder, call):
    """A workspace with three deals and two contacts who are one."""
    call("init", "--owner", "Ann", "--email", "ann@example.com")
    crm = CRM("sqlite:///opencrm.db")
    owner = crm.sole_owner()
    with crm.work(owner) as work:
        for title, source in (("A", "fair"), ("B", "fair"), ("C", None)):
            records.create(work, [Create(Deal, title=title, source=source)])
        points = [{"kind": "email", "value": "lee@example.com"}]
        lines = records.create(work, [Create(Contact, name=name, points=points) for name in ("Ann Lee", "Lee, Ann")])
        records.create(work, [Create(Deal, title="D", contact_id=lines[1].record_id)])
    yield crm, owner, [line.record_id for line in lines]
    crm.close()


def deals(office, field):
    crm, owner, _ = office
    with crm.read(owner) as reader:
        return [row[field] for row in reader.list(Query(Deal, sort="created_at"))]


def act_of(output):
    return re.search(r"opencrm undo (\S+)", output)[1]


def test_an_edit_is_shown_done_and_undone(call, office):
    """Nothing without --yes; with it, as shown; `undo` takes the act back."""
    asked = ("edit", "deals", "--where", "source=fair", "--set", "source=Fair 2026")
    shown = call(*asked)
    assert "2 found, 2 would change, 0 so already." in shown.output
    assert "source: fair > Fair 2026" in shown.output
    assert "say --yes" in shown.output
    assert deals(office, "source") == ["fair", "fair", None, None]
    done = call(*asked, "--yes")
    assert (done.exit_code, "2 changed" in done.output) == (0, True)
    assert deals(office, "source") == ["Fair 2026", "Fair 2026", None, None]
    undone = call("undo", act_of(done.output))
    assert (undone.exit_code, "2 taken back." in undone.output) == (0, True)
    assert deals(office, "source") == ["fair", "fair", None, None]


def test_other_edits(call, office):
    """Owners by name, deletions, those that come back, an emptied field, and what is refused."""
    assert "4 so already" in call("edit", "deal", "--all", "--owner", "ann@example.com", "--yes").output
    assert "1 changed" in call("edit", "deal", "--where", "title=A", "--delete", "--yes").output
    assert "1 changed" in call("edit", "deal", "--all", "--restore", "--yes").output
    assert "1 changed" in call("edit", "deal", "--where", "title=A", "--set", "source=", "--yes").output
    refused = call("edit", "deal", "--where", "title[in]=A,B", "--set", "title=", "--yes")
    assert (refused.exit_code, "2 invalid_input" in refused.output) == (0, True)


@pytest.mark.parametrize(
    "wish, code, told",
    [
        ((), 2, "--where, --id and --all"),
        (("--all",), 2, "--set, --owner (or --unit), --move, --delete and --restore"),
        (("--set", "title=x"), 2, "--where, --id and --all"),
        (("--all", "--id", "x", "--set", "title=x"), 2, "--where, --id and --all"),
        (("--all", "--where", "title=A", "--set", "title=x"), 2, "--where, --id and --all"),
        (("--all", "--delete", "--restore"), 2, "--delete and --restore"),
        (("--all", "--set", "title"), 3, "FIELD=VALUE"),
        (("--where", "title", "--delete"), 3, "FIELD[OP]=VALUE, or a condition as JSON"),
        (("--all", "--set", "stage=won"), 3, "say --move"),
        (("--all", "--set", "owner_id=x"), 3, "say --owner"),
        (("--all", "--set", "unit_id=x"), 3, "say --unit"),
    ],
)
def test_what_makes_no_sense(call, office, wish, code, told):
    """It is said by which options it does, and nothing is done."""
    result = call("edit", "deal", *wish, "--yes")
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert deals(office, "title") == ["A", "B", "C", "D"]


def test_a_condition_in_json_says_which_records(call, office):
    """Beside a filter."""
    where = '{"any": [{"field": "title", "op": "equal", "value": "A"}, {"field": "source", "op": "empty"}]}'
    told = call("edit", "deals", "--where", where, "--where", "title[in]=A,B", "--delete")
    assert "1 found, 1 would change" in told.output


def test_what_is_not_there_is_not_found(call, office):
    """Nor counted as found."""
    told = call("edit", "deals", "--id", "42", "--set", "source=x")
    assert "0 found, 0 would change, 0 so already, 1 not_found." in told.output


def test_records_are_told_by_their_names_and_how_many_more_there_are(call, office):
    """Those that change, those that go, and those that are merged."""
    crm, owner, (keep, other) = office
    with crm.work(owner) as work:
        records.create(work, [Create(Deal, title=f"More {at}", source="fair") for at in range(30)])
    shown = call("edit", "deals", "--all", "--set", "source=web")
    assert re.search(r"^  \S{36}  A  source: fair > web$", shown.stdout, re.MULTILINE)
    assert "… and 14 more" in shown.stdout
    for more in ((), ("--yes",)):
        assert re.search(r"^  \S{36}  B  ", call("edit", "deals", "--where", "title=B", "--delete", *more).stdout, re.M)
    for more in ((), ("--yes",)):
        told = call("merge", "contact", keep, other, *more).stdout
        assert f"{keep}  Ann Lee." in told
        assert f"{other}  Lee, Ann" in told


def test_a_refusal_names_the_person(call, office):
    """And not their id."""
    crm, owner, _ = office
    grants = grant_rows([Grant("deal", "read", Scope.ALL), Grant("deal", "update", Scope.OWN)])
    grants = [*grants, *grant_rows([Grant("user", "read", Scope.ALL)])]
    with crm.work(owner) as work:
        unit = next(work.stream(Query(Unit))).id
        [role] = records.create(work, [Create(Role, key="reads", name="Reads", grants=grants)])
        [bob] = records.create(work, [Create(User, name="Bob Marsh", email="bob@example.com")])
        records.create(work, [Create(Membership, user_id=bob.record_id, unit_id=unit, role_id=role.record_id)])
    for words in (("export", "deal"), ("edit", "deals", "--all", "--set", "title=x")):
        told = call(*words, "--as", "bob@example.com").stderr
        assert "Bob Marsh may not" in told
        assert bob.record_id not in told


def test_an_undo_shows_how_far_it_is(terminal, call, office):
    """At a terminal."""
    act = act_of(call("edit", "deals", "--all", "--set", "source=web", "--yes").output)
    code, shown = terminal("undo", act)
    assert (code, "Taking back" in shown, "100%" in shown) == (0, True, True), shown


def test_duplicates_are_shown_merged_and_undone(call, office):
    """The pair with its reasons; the merge with what follows."""
    _, _, (keep, other) = office
    shown = call("duplicates", "contact")
    assert "email lee@example.com, name" in shown.output
    [row] = json.loads(call("duplicates", "contact", "--json").output)
    assert (row["one"], row["other"]) == (keep, other)
    told = call("merge", "contact", keep, other, "--set", "source=web")
    assert "1 would go into" in told.output
    assert "1 deal with them" in told.output
    assert deals(office, "contact_id")[-1] == other
    done = call("merge", "contact", keep, other, "--yes")
    assert deals(office, "contact_id")[-1] == keep
    assert call("duplicates", "contact").output == "No two look like one.\n"
    assert call("undo", act_of(done.output)).exit_code == 0
    assert deals(office, "contact_id")[-1] == other


def test_a_pair_is_dismissed(call, office):
    """It is shown no more."""
    assert call("duplicates", "contact", "--dismiss", *office[2]).exit_code == 0
    assert "No two" in call("duplicates", "contact").output


def test_an_unknown_act_is_not_found(call, office):
    assert call("undo", "nonsense").exit_code == 5
    assert call("merge", "contact", "nonsense", "nonsense too").exit_code == 5


def test_a_refusal_carries_nothing_that_a_terminal_obeys(call, office):
    """What was asked for is told back without its escapes."""
    shown = call("edit", "deal", "--id", "\x1b]0;title\x07", "--delete")
    assert "]0;title" in shown.output
    assert not {"\x1b", "\x07"} & {*shown.output}


def test_names_that_may_not_be_read_are_left_out(call, office):
    """Nothing in the table, null in JSON."""
    crm, owner, ids = office
    hidden = [{"entity": "contact", "field": "name", "read": False, "write": False}]
    grants = grant_rows([Grant("*", "read", Scope.ALL)])
    with crm.work(owner) as work:
        unit = next(work.stream(Query(Unit))).id
        made = records.create(
            work,
            [
                Create(Role, key="blind", name="Blind", grants=grants, field_rules=hidden),
                Create(User, name="Bob", email="bob@example.com"),
            ],
        )
        role, bob = (line.record_id for line in made)
        records.create(work, [Create(Membership, user_id=bob, unit_id=unit, role_id=role)])
    assert "None" not in call("duplicates", "contact", "--as", "Bob").output
    [row] = json.loads(call("duplicates", "contact", "--as", "Bob", "--json").output)
    assert (row["its name"], row["other's name"], row["one"]) == (None, None, ids[0])
    [row] = json.loads(call("duplicates", "contact", "--as", "Ann", "--json").output)
    assert (row["its name"], row["other's name"]) == ("Ann Lee", "Lee, Ann")
