"""Stages come with the pipeline that gives them, and go with it; what records hold of them stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.services.process.staging.friends import Friends

from opencrm import (
    CRM,
    Contact,
    Create,
    CustomField,
    Delete,
    InputError,
    Move,
    PluginError,
    Update,
    boards,
    pipelines,
    records,
)
from opencrm.hooks.plugin import read_plugin
from opencrm.services.reading.rows import Record
from opencrm.testing import MONDAY, Firm, make_contact

Now = Callable[[str], Record]


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return []


@pytest.fixture
def friends(crm: CRM, firm: Firm) -> None:
    """As if a package with the plugin were installed, and enabled."""
    crm._plugins._loaded()["friends"] = read_plugin("friends", Friends(), source="package", version="1")
    crm.enable(firm.owner, "friends")


@pytest.mark.usefixtures("friends")
def test_records_from_before_stand_nowhere_until_they_are_moved_in(crm: CRM, firm: Firm, now: Now) -> None:
    crm.disable(firm.owner, "friends")
    before = make_contact(crm, by=firm.owner, name="Maria")
    assert not hasattr(before, "stage")
    crm.enable(firm.owner, "friends")
    assert now(before.id).stage is None
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Contact, before.id, to="friendship.stranger")])
    assert now(before.id).stage == "stranger"


@pytest.mark.usefixtures("friends")
def test_switched_off_its_stages_are_gone_and_come_back_with_it(
    crm: CRM, firm: Firm, now: Now, go: Callable[..., None]
) -> None:
    """What is written meanwhile keeps them; counters are not trusted that nobody kept."""
    one, other = (make_contact(crm, by=firm.owner, name=name) for name in ("Maria", "Ana"))
    go(one, "gone", lost_reason="moved")
    crm.worker().run_once()
    crm.disable(firm.owner, "friends")
    assert not crm.catalogue.entity(Contact).staged
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, one.id, first_name="Mia")])
        records.delete(work, [Delete(Contact, other.id)])
        with pytest.raises(InputError, match="contact has no stages"):
            pipelines.move(work, [Move(Contact, one.id, to="stranger")])
        with pytest.raises(InputError, match="lost_reason"):
            records.update(work, [Update(Contact, one.id, lost_reason="quarrel")])
    assert "contact" not in crm.configuration.counted
    crm.enable(firm.owner, "friends")
    back = now(one.id)
    assert (back.stage, back.lost_reason, back.first_name, back.closed_at) == ("gone", "moved", "Mia", MONDAY)
    assert [str(it.count) for it in _board(crm, firm)] == ["0", "0", "0", "1"]
    crm.worker().run_once()
    assert [str(it.count) for it in _board(crm, firm)] == ["0", "0", "0", "1"]


def _board(crm: CRM, firm: Firm) -> Sequence[Any]:
    with crm.read(firm.owner) as reader:
        return boards.board(reader, "friendship").columns


@pytest.mark.usefixtures("friends")
def test_a_name_that_is_taken_is_refused(crm: CRM, firm: Firm) -> None:
    """By a field of the workspace's own, which the stage would hide; and the other way round."""
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="'stage' already"):
        records.create(work, [Create(CustomField, entity="contact", key="stage", label="Stage", kind="text")])
    crm.disable(firm.owner, "friends")
    with crm.work(firm.owner) as work:
        records.create(work, [Create(CustomField, entity="contact", key="stage", label="Stage", kind="text")])
    with pytest.raises(PluginError, match="contact cannot have stages: it has a field 'stage' of its own"):
        crm.enable(firm.owner, "friends")
