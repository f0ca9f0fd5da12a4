"""What is wrong in a declaration is told in a sentence that names the declaration and its argument."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import opencrm
from opencrm import Deal, Equal, created, move, notify, owner

OF: Any = opencrm
"""Its names, which are given here what their types forbid."""
TELL = notify(owner, "Hello")


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: OF.Stage("new", do=TELL), "stage 'new': do: must be a list, also of one action: [notify("),
        (lambda: OF.Stage("new", left="x"), "stage 'new': left: must be a list"),
        (lambda: OF.Stage("new", tasks=OF.TaskSpec("call")), "stage 'new': tasks: must be a list, also of one task"),
        (lambda: OF.Stage("new", tasks=["call"]), "stage 'new': tasks: 'call' is no task such as"),
        (lambda: OF.Stage("new", enter=["sum"]), "stage 'new': enter: 'sum' is no requirement such as required("),
        (lambda: OF.Stage("new", kind="gone"), "kind: 'gone' is none of open, parked, won, lost"),
        (lambda: OF.TaskSpec("call", escalations=OF.Escalation()), "task 'call': escalations: must be a list"),
        (lambda: OF.TaskSpec("call", done=move("won")), "task 'call': done: must be a list, also of one action"),
        (lambda: OF.TaskSpec("call", reminders="30m"), "reminders: must be a list, also of one duration: ['30m']"),
        (lambda: OF.TaskSpec("Call"), "key: 'Call' is no name of at most 64 small letters"),
        (lambda: OF.Rule("hello", on=created(Deal), do=TELL), "rule 'hello': do: must be a list, also of one action"),
        (lambda: OF.Rule("hello", on="created", do=[TELL]), "rule 'hello': on: 'created' is no event such as"),
        (
            lambda: OF.Sla(
                "in", on="deal", start=created(Deal), stop=Equal("stage", "won"), targets="1h", escalations=1
            ),
            "sla 'in': escalations: must be a list",
        ),
        (lambda: OF.pick("seller", strategy="random"), "strategy: 'random' is none of round_robin, least_loaded"),
        (lambda: OF.Form("A", ["amount"]), "key: 'A' is no name"),
        (lambda: OF.Pipeline("sales", ["new"], moves=["new"]), "moves: 'new' is no pair of stages such as"),
        (lambda: OF.Pipeline("sales", OF.Stage("new"), moves=[]), "must be a list of stages"),
    ],
)
def test_it_says_what_is_meant(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        make()
    assert "Attribute(" not in str(refused.value)


def test_moves_may_be_lists() -> None:
    """As they are in a text."""
    assert OF.Pipeline("sales", ["new", "won"], moves=[["new", "won"]]).allows("new", "won")
