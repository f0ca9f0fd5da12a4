"""What is found of letters to clients before any is sent."""

from __future__ import annotations

from opencrm import Activity, Deal, Pipeline, Rule, Stage, Task, created, send
from opencrm.core.process.checks import alone
from opencrm.core.process.clients import clients_of

WRITE = send("Your order", "It is here.")


def test_a_letter_that_sets_itself_off_is_a_loop() -> None:
    """What is sent becomes an activity."""
    [found] = alone([], [Rule("echo", on=created(Activity), do=[WRITE])])
    assert found.startswith("rules set each other off without end")
    assert not [*alone([Pipeline("p", [Stage("a", do=[WRITE])], moves=())], [])]


def test_a_client_is_a_contact_before_a_company() -> None:
    assert clients_of(Deal.spec) == (("contact_id", "contact"), ("company_id", "company"))
    assert clients_of(Task.spec)[0] == ("contact_id", "contact")
