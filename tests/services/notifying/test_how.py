"""An escalation says how people are told, whatever they chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import CRM, Escalation, Pipeline, Stage, TaskSpec, hookimpl, owner
from opencrm.embed import SignIn, notification_choices
from opencrm.testing import Firm, make_deal


def telling(*how: str) -> Pipeline:
    call = TaskSpec("call", due="15m", escalations=[Escalation(to=owner, how=how)])
    return Pipeline("order", [Stage("request", tasks=[call]), Stage("won", kind="won")], moves={("request", "won")})


class Telling:
    """Tells the owner of what is overdue."""

    def __init__(self, *how: str) -> None:
        self._pipeline = telling(*how)

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield self._pipeline


@pytest.fixture
def crm_plugins(request: pytest.FixtureRequest) -> Sequence[object]:
    return [Telling(*request.param)]


@pytest.mark.parametrize(
    "crm_plugins, where",
    [
        ((), {"inbox"}),
        (("mail",), {"mail"}),
        (("inbox",), {"inbox"}),
        (("mail", "inbox"), {"inbox", "mail"}),
    ],
    indirect=["crm_plugins"],
)
def test_it_is_told_there(crm: CRM, firm: Firm, letterbox: Any, read: Callable[..., Any], where: set[str]) -> None:
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    make_deal(crm, by=firm.seller, pipeline="order")
    crm.advance("16m")
    crm.worker().run_once()
    told = [it for it in read(firm.seller) if it.text.startswith("Overdue")]
    letters = [it for it in letterbox.letters if it["Subject"].startswith("Overdue")]
    assert {"inbox" for _ in told} | {"mail" for _ in letters} == where


@pytest.mark.parametrize("crm_plugins", [("inbox",), ("mail",)], indirect=True)
def test_it_counts_more_than_a_choice(crm: CRM, firm: Firm, letterbox: Any, read: Callable[..., Any]) -> None:
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "task", "inbox", wanted=False)
    make_deal(crm, by=firm.seller, pipeline="order")
    crm.advance("16m")
    crm.worker().run_once()
    found = len(read(firm.seller)) + len([it for it in letterbox.letters if it["To"] == "seller@example.com"])
    assert found == 1
