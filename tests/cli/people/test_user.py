"""`opencrm user add | token | disable`, and as whom commands act."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM, NotSignedIn
from opencrm.embed import principal_of


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace that Ann owns; gives `call`."""
    assert call("init", "--owner", "Ann", "--email", "ann@example.com").exit_code == 0
    return call


def add(call: Callable[..., Result], name: str, *more: str, role: str = "viewer") -> Result:
    """Add a user to the company."""
    return call("user", "add", name, "--role", role, "--unit", "Company", *more)


def test_a_user_is_added_with_a_role(workspace: Callable[..., Result]) -> None:
    """The new user's id is printed, and nothing else."""
    done = add(workspace, "Bob", "--email", "bob@example.com")
    assert done.exit_code == 0, done.stderr
    crm = CRM("sqlite:///opencrm.db")
    assert crm.principal("bob@example.com").id == done.stdout.strip()
    crm.close()


@pytest.mark.parametrize(
    "options, code, words",
    [
        (("--role", "nix", "--unit", "Company"), 5, "nix"),
        (("--role", "viewer", "--unit", "Mars"), 5, "Mars"),
        (("--role", "viewer"), 2, "--unit"),
        (("--role", "viewer", "--unit", "Company", "--email", "no address"), 3, "email"),
        (("--role", "viewer", "--unit", "Company", "--email", "ann@example.com"), 6, "email"),
    ],
)
def test_a_user_who_cannot_be_added(
    workspace: Callable[..., Result], options: tuple[str, ...], code: int, words: str
) -> None:
    """Each reason has its exit code and is named; nobody is added."""
    done = workspace("user", "add", "Bob", *options)
    assert done.exit_code == code, done.stderr
    assert words in done.stderr
    assert workspace("user", "token", "Bob").exit_code == 5


def test_only_owners_add_users(workspace: Callable[..., Result]) -> None:
    """A viewer is refused, and so is one named by the environment."""
    add(workspace, "Vic")
    assert add(workspace, "Bob", "--as", "Vic").exit_code == 4
    assert workspace("user", "add", "Bob", "--role", "viewer", "--unit", "Company", OPENCRM_AS="Vic").exit_code == 4


def test_a_token_is_printed_once_and_works(workspace: Callable[..., Result]) -> None:
    """It alone stands on stdout, so that a script can take it."""
    done = workspace("user", "token", "ann@example.com", "--name", "script", "--days", "7")
    secret = done.stdout.strip()
    assert done.stdout == f"{secret}\n"
    crm = CRM("sqlite:///opencrm.db")
    with crm.read(principal_of(secret)) as reader:
        assert reader.count("user") == 1
    crm.advance("8d")
    with pytest.raises(NotSignedIn), crm.read(principal_of(secret)):
        pass
    crm.close()


@pytest.mark.parametrize("user", ["Nobody", "nobody@example.com", "01a20042-6a2c-7000-9a63-e78013682fc6", ""])
def test_a_token_of_nobody(workspace: Callable[..., Result], user: str) -> None:
    """Whoever is not there has no key."""
    done = workspace("user", "token", user)
    assert done.exit_code == 5
    assert done.stdout == ""


@pytest.mark.parametrize("days", ["0", "-1", "soon", "99999"])
def test_a_token_for_a_strange_time(workspace: Callable[..., Result], days: str) -> None:
    """Wrong usage."""
    assert workspace("user", "token", "Ann", "--days", days).exit_code == 2


def test_a_disabled_user_is_out_at_once(workspace: Callable[..., Result]) -> None:
    """Neither the key nor --as works any more."""
    add(workspace, "Bob", role="full_access")
    secret = workspace("user", "token", "Bob").stdout.strip()
    assert workspace("user", "disable", "Bob").exit_code == 0
    assert workspace("user", "token", "Bob", "--as", "Bob").exit_code == 4
    crm = CRM("sqlite:///opencrm.db")
    with pytest.raises(NotSignedIn), crm.read(principal_of(secret)):
        pass
    crm.close()


def test_the_last_owner_stays(workspace: Callable[..., Result]) -> None:
    """Somebody must remain who can let others in."""
    assert workspace("user", "disable", "Ann").exit_code == 4


def test_with_two_owners_somebody_must_be_named(workspace: Callable[..., Result]) -> None:
    """There is no silent choice; --as before or after the command, or the variable, makes it."""
    add(workspace, "Cy", role="owner")
    done = workspace("user", "token", "Ann")
    assert done.exit_code == 4
    assert "--as" in done.stderr
    assert workspace("user", "token", "Ann", "--as", "Cy").exit_code == 0
    assert workspace("--as", "Cy", "user", "token", "Ann").exit_code == 0
    assert workspace("user", "token", "Ann", OPENCRM_AS="Cy").exit_code == 0


def test_the_option_wins_over_the_variable(workspace: Callable[..., Result]) -> None:
    """What is said on the line is nearer."""
    assert workspace("user", "token", "Ann", "--as", "Ann", OPENCRM_AS="Nobody").exit_code == 0


def test_two_of_one_name_are_told_apart_by_address(workspace: Callable[..., Result]) -> None:
    """A name that two have is refused rather than guessed."""
    add(workspace, "Bob", "--email", "bob@example.com")
    add(workspace, "Bob")
    assert workspace("user", "token", "Bob").exit_code == 5
    assert workspace("user", "token", "bob@example.com").exit_code == 0


def test_a_senior_manager_adds_people_of_lower_rank(workspace: Callable[..., Result]) -> None:
    """With a place below their own; a refusal has its exit code, and names the rule."""
    assert add(workspace, "Bob", role="senior_manager").exit_code == 0
    as_bob = lambda *words: workspace("--as", "Bob", *words)  # noqa: E731
    assert add(as_bob, "Cleo", role="manager_1").exit_code == 0
    refused = add(as_bob, "Dan", role="senior_manager")
    assert refused.exit_code == 4
    assert 'rule "rank": Senior manager is not of lower rank' in refused.stderr
