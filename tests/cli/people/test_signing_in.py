"""`opencrm init` with a password, and `opencrm user invite | reset | password | sign-out | tokens | end-token`."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM, NotSignedIn
from opencrm.embed import Attempt, principal_of

PASSWORD, NEW = "correct horse battery", "staple the other horse"
OWNER = ("--owner", "Ann", "--email", "ann@example.com")


def signs_in(email: str, password: str) -> bool:
    crm = CRM("sqlite:///opencrm.db")
    try:
        return bool(crm.accounts.sign_in(Attempt(email=email, password=password)))
    except NotSignedIn:
        return False
    finally:
        crm.close()


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace of Ann's, who has a password, with Bob, who has none; gives `call`."""
    assert call("init", *OWNER, OPENCRM_OWNER_PASSWORD=PASSWORD).exit_code == 0
    added = call("user", "add", "Bob", "--email", "bob@example.com", "--role", "viewer", "--unit", "Company")
    assert added.exit_code == 0, added.stderr
    return call


def test_the_owners_password_may_stand_in_the_environment(workspace: Callable[..., Result]) -> None:
    """For scripts and containers; it is shown nowhere."""
    assert signs_in("ann@example.com", PASSWORD)


def test_there_is_no_default_password(call: Callable[..., Result], folder: Path) -> None:
    """Without one there are keys only, and it says how to choose one."""
    done = call("init", *OWNER)
    assert done.exit_code == 0
    assert "opencrm user password" in done.stdout
    for password in ("", "admin", "password", "opencrm", "Ann", "ann@example.com"):
        assert not signs_in("ann@example.com", password)


@pytest.mark.parametrize(
    "options, password, code",
    [(OWNER, "short", 3), (OWNER, "ann@example.com", 3), (("--owner", "Ann"), PASSWORD, 2)],
)
def test_a_password_that_cannot_be_used_makes_nothing(
    call: Callable[..., Result], folder: Path, options: tuple[str, ...], password: str, code: int
) -> None:
    """It is told before anything is made, and is not repeated."""
    done = call("init", *options, OPENCRM_OWNER_PASSWORD=password)
    assert done.exit_code == code
    assert not list(folder.iterdir())
    assert password == "ann@example.com" or password not in done.stderr


def typing(answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run `opencrm init` at a terminal; answer each prompt when it is shown. Return the exit code and the screen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "opencrm.cli", "init"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, asked = "", 0
    try:
        while select.select([ours], [], [], 60)[0]:
            shown += os.read(ours, 4096).decode()
            if answers and answers[0][0] in shown[asked:]:
                asked = len(shown)
                time.sleep(0.3)  # What is typed before a prompt hides it is thrown away.
                os.write(ours, f"{answers.pop(0)[1]}\n".encode())
    except OSError:  # The process is gone.
        return process.wait(timeout=60), shown
    finally:
        process.kill()
        os.close(ours)
    raise AssertionError(f"nothing happens any more: {shown}")


def test_on_a_terminal_it_is_asked_for_twice_and_hidden(folder: Path) -> None:
    """Until it can be chosen, and both are the same."""
    answers = [
        ("Name of the owner", "Ann"),
        ("E-mail", "ann@example.com"),
        ("keys only): ", "short"),
        ("keys only): ", PASSWORD),
        ("confirmation: ", PASSWORD + "x"),
        ("keys only): ", PASSWORD),
        ("confirmation: ", PASSWORD),
    ]
    code, shown = typing(answers)
    assert code == 0, shown
    assert "12 to 1000" in shown
    assert "short" not in shown
    assert PASSWORD not in shown
    assert signs_in("ann@example.com", PASSWORD)


def test_a_user_is_invited(workspace: Callable[..., Result]) -> None:
    """The link alone stands on stdout, and leads to where the setting says."""
    done = workspace("user", "invite", "Bob", OPENCRM_BASE_URL="https://crm.example.com/")
    link = done.stdout.strip()
    assert done.exit_code == 0, done.stderr
    assert link.startswith("https://crm.example.com/invitation#")
    crm = CRM("sqlite:///opencrm.db")
    crm.accounts.accept(link.partition("#")[2], NEW)
    crm.close()
    assert signs_in("bob@example.com", NEW)
    assert workspace("user", "invite", "Bob").exit_code == 6


def test_without_a_base_url_it_says_so(workspace: Callable[..., Result]) -> None:
    """The rest of the link is good all the same."""
    done = workspace("user", "invite", "Bob")
    assert done.stdout.startswith("/invitation#")
    assert "OPENCRM_BASE_URL" in done.stderr


def test_a_forgotten_password(workspace: Callable[..., Result]) -> None:
    """The owner hands a link over."""
    secret = workspace("user", "reset", "ann@example.com").stdout.strip().partition("#")[2]
    crm = CRM("sqlite:///opencrm.db")
    crm.accounts.reset(secret, NEW)
    crm.close()
    assert signs_in("ann@example.com", NEW)


def test_a_password_is_set(workspace: Callable[..., Result]) -> None:
    """By an owner; a viewer may not even for themselves."""
    assert workspace("user", "password", "Bob").exit_code == 2
    assert workspace("user", "password", "Bob", OPENCRM_PASSWORD="short").exit_code == 3
    assert workspace("user", "password", "Bob", OPENCRM_PASSWORD="bob@example.com").exit_code == 3
    assert workspace("user", "password", "Bob", "--as", "Bob", OPENCRM_PASSWORD=NEW).exit_code == 4
    assert workspace("user", "password", "Bob", OPENCRM_PASSWORD=NEW).exit_code == 0
    assert signs_in("bob@example.com", NEW)


def test_somebody_is_signed_out(workspace: Callable[..., Result]) -> None:
    """Everywhere, keys too if that is said."""
    crm = CRM("sqlite:///opencrm.db")
    session = principal_of(crm.accounts.sign_in(Attempt(email="ann@example.com", password=PASSWORD)).secret)
    key = principal_of(workspace("user", "token", "Ann").stdout.strip())
    assert "1 ended" in workspace("user", "sign-out", "Ann").stdout
    with pytest.raises(NotSignedIn), crm.read(session):
        pass
    with crm.read(key):
        pass
    assert workspace("user", "sign-out", "Ann", "--keys").exit_code == 0
    with pytest.raises(NotSignedIn), crm.read(key):
        pass
    crm.close()


def test_keys_are_listed_and_ended(workspace: Callable[..., Result]) -> None:
    """Without their secrets."""
    secret = workspace(
        "user", "token", "Ann", "--name", "website", "--days", "3", "--scope", "deal.read"
    ).stdout.strip()
    listed = workspace("user", "tokens", "Ann").stdout
    assert "website" in listed
    assert secret not in listed
    id = listed.splitlines()[1].split()[0]
    assert workspace("user", "end-token", id).exit_code == 0
    assert workspace("user", "end-token", id).exit_code == 5
    assert "website" not in workspace("user", "tokens", "Ann").stdout


def test_a_key_is_narrowed(workspace: Callable[..., Result]) -> None:
    """What is unknown is named."""
    done = workspace("user", "token", "Ann", "--scope", "dragon.read")
    assert done.exit_code == 3
    assert "dragon" in done.stderr
