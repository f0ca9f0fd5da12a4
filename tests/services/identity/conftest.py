"""A firm whose people have passwords, cheap ones to compare, and a plugin that catches what is sent to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opencrm import CRM, Principal, hookimpl
from opencrm.embed import Accounts, Attempt, Cost, Message, Opened, SignIn, principal_of
from opencrm.testing.firm import Firm

CHEAP = Cost(rounds=1, kibibytes=8, lanes=1)
BASE = "https://crm.example.com"
PASSWORD = "correct horse battery"


class Outbox:
    """The plugin that catches messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    @hookimpl
    def opencrm_provide_delivery(self, message):
        self.messages.append(message)
        return True

    @property
    def secret(self) -> str:
        """What stands behind `#` in the last one."""
        return self.messages[-1].text.rpartition("#")[2].strip()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def crm_plugins(outbox: Outbox) -> list[object]:
    return [outbox]


@pytest.fixture
def accounts_of() -> Callable[..., Accounts]:
    """`accounts_of(crm, idle=...)`: the accounts of a workspace, as a host decides about them."""

    def make(crm: CRM, **policy: Any) -> Accounts:
        decided = SignIn(**{"base_url": BASE, "cost": CHEAP, **policy})
        crm.accounts = Accounts(crm.workspace, decided, lambda: crm.hooks, crm.work)
        return crm.accounts

    return make


@pytest.fixture
def accounts(crm: CRM, firm: Firm, accounts_of: Callable[..., Accounts]) -> Accounts:
    """The accounts; the owner and the seller have passwords."""
    found = accounts_of(crm)
    for person in (firm.owner, firm.seller):
        found.set_password(firm.owner, person.id, PASSWORD)
    return found


@pytest.fixture
def sign_in(accounts: Accounts) -> Callable[..., Opened]:
    """`sign_in("seller")` begins a session."""

    def begin(who: str = "seller", password: Any = PASSWORD, **more: Any) -> Opened:
        return accounts.sign_in(Attempt(email=f"{who}@example.com", password=password, **more))

    return begin


@pytest.fixture
def session(sign_in: Callable[..., Opened]) -> Principal:
    """The seller, signed in."""
    return principal_of(sign_in().secret)
