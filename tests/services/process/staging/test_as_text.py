"""Pipelines that are kept as text give their entity stages too, without a plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.services.process.definitions.conftest import apply, plan
from tests.services.process.definitions.texts import Apply

from opencrm import CRM, Contact, Create, CustomField, Delete, InputError, Move, RequirementMissing, pipelines, records
from opencrm.services.definitions.process import text
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_contact

__all__ = ["apply", "plan"]

Now = Callable[[str], Record]

FRIENDSHIP = """
[[pipelines]]
key = "friendship"
entity = "contact"
moves = [["stranger", "guest"], ["guest", "friend"], ["*", "gone"]]
stages = [
    {key = "stranger", tasks = [{key = "greet", title = "Greet {name} ({stage})", due = "1d"}]},
    {key = "guest", enter = [{condition = {not = {field = "last_name", op = "empty"}}, missing = "a name"}]},
    {key = "friend", kind = "won"},
    {key = "gone", kind = "lost", reasons = {moved = "Moved away"}},
]
"""

WELCOMED = """
[[rules]]
key = "welcomed"
on = {entered = "friendship.guest"}
when = {field = "stage", op = "equal", value = "guest"}
do = [{update = {source = "welcome"}}]
"""


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return []


def test_planned_and_applied_it_is_about_records_from_before(
    crm: CRM, firm: Firm, plan: Apply, apply: Apply, tasks: Any, now: Now
) -> None:
    """A plan keeps nothing; those who were there before stand nowhere until somebody moves them in."""
    before = make_contact(crm, by=firm.owner, name="Maria")
    planned = str(plan("pipelines", FRIENDSHIP).steps[0])
    assert "create friendship.stranger: 0 records stand there" in planned
    assert not crm.catalogue.entity(Contact).staged
    assert str(apply("pipelines", FRIENDSHIP).steps[0]) == planned
    with crm.read(firm.owner) as reader:
        exported = text.export(reader, "pipelines")
    assert not apply("pipelines", exported).steps
    assert now(before.id).stage is None
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Contact, before.id, to="friendship.stranger")])
    assert [it.title for it in tasks("greet")] == ["Greet Maria (stranger)"]
    with crm.work(firm.owner) as work, pytest.raises(RequirementMissing, match="a name"):
        pipelines.move(work, [Move(Contact, before.id, to="guest")])
    assert crm.problems() == {}


def test_rules_as_text_speak_of_its_stages_and_hold_it(crm: CRM, firm: Firm, apply: Apply, now: Now) -> None:
    apply("pipelines", FRIENDSHIP)
    apply("rules", WELCOMED)
    one = make_contact(crm, by=firm.owner, name="Maria", last_name="Lopez")
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Contact, one.id, to="guest")])
    assert now(one.id).source == "welcome"
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Contact, one.id)])
    with pytest.raises(InputError, match="rule welcomed needs it"):
        apply("pipelines", '[[pipelines]]\nkey = "friendship"\nretired = true\n')
    apply("rules", '[[rules]]\nkey = "welcomed"\nretired = true\n')
    apply("pipelines", '[[pipelines]]\nkey = "friendship"\nretired = true\n')
    assert not crm.catalogue.entity(Contact).staged


def test_one_that_records_stand_in_is_not_retired(crm: CRM, firm: Firm, apply: Apply) -> None:
    apply("pipelines", FRIENDSHIP)
    make_contact(crm, by=firm.owner, name="Maria")
    with pytest.raises(InputError, match="records stand in this stage"):
        apply("pipelines", '[[pipelines]]\nkey = "friendship"\nretired = true\n')


def test_a_stage_that_goes_gives_its_records_another(crm: CRM, firm: Firm, apply: Apply, now: Now) -> None:
    apply("pipelines", FRIENDSHIP)
    one = make_contact(crm, by=firm.owner, name="Maria")
    fewer = FRIENDSHIP.replace('["stranger", "guest"], ', "").split("\n")
    short = "\n".join(line for line in fewer if '{key = "stranger"' not in line)
    apply("pipelines", short.replace('entity = "contact"', 'entity = "contact"\nreplaced_by = {stranger = "guest"}'))
    assert now(one.id).stage == "guest"


def test_refused_where_it_cannot_have_stages(crm: CRM, firm: Firm, apply: Apply) -> None:
    with pytest.raises(InputError, match="user cannot have stages: it is a part of the organisation"):
        apply("pipelines", FRIENDSHIP.replace('"contact"', '"user"'))
    with crm.work(firm.owner) as work:
        records.create(work, [Create(CustomField, entity="contact", key="stage", label="Stage", kind="text")])
    with pytest.raises(InputError, match="contact cannot have stages: it has a field 'stage' of its own"):
        apply("pipelines", FRIENDSHIP)
