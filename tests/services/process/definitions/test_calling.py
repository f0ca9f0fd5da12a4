"""Rules as text that call a plugin's services: each is allowed what the service needs, told beforehand, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from tests.services.process.definitions.texts import Apply

from opencrm import (
    CRM,
    Create,
    Deal,
    Grant,
    InputError,
    Membership,
    PermissionDenied,
    PipelineDefinition,
    Principal,
    Query,
    Role,
    Rule,
    Scope,
    Service,
    ServiceDoor,
    Task,
    Update,
    call,
    created,
    generate,
    hookimpl,
    records,
)
from opencrm.core.access.grants import grant_rows
from opencrm.hooks import given_plugin
from opencrm.hooks.plugin import read_plugin
from opencrm.services.definitions.process import planning, switching, text
from opencrm.storage import tables
from opencrm.testing import Firm, make_contact, make_deal

RULE = """
[[rules]]
key = "checked"
on = {created = "deal"}
do = [{call = {service = "%s", values = {}}}]
"""


DEFINITIONS = ("rule_definition", "pipeline_definition")
NEEDS = (Grant("record", "update", Scope.ALL), Grant("task", "create", Scope.ALL))
PIPELINE = """
[[pipelines]]
key = "goods"
moves = [["new", "done"]]
stages = [{key = "new", do = [{call = {service = "checks_mark", values = {}}}]}, {key = "done", kind = "won"}]
"""


class Checks:
    """Has a service that marks the record, and gives somebody a task about it."""

    name = "checks"

    def __init__(self, needs: Sequence[Grant] = NEEDS) -> None:
        self._needs = needs

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        yield Service(name="checks_mark", run=_mark, needs=self._needs)
        yield Service(name="checks_lost", run=_mark, needs=[Grant("parcel", "read", Scope.ALL)])


def _mark(door: ServiceDoor, _values: Mapping[str, Any]) -> None:
    with door.work() as work:
        records.update(work, [Update(door.entity, door.record_id, source="checked")])
        if door.entity == "deal":
            records.create(work, [Create(Task, title="Check it", deal_id=door.record_id)])


class Caller:
    """Another plugin, whose rule calls that service."""

    name = "caller"

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("caller_new", on=created(Deal), do=[call("checks_mark")])


class Letters:
    """A plugin whose rule has a document made."""

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("letters_new", on=created(Deal), do=[generate("letter")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Checks()]


def test_a_rule_as_text_may_do_what_its_service_needs(crm: CRM, firm: Firm, deal: Any, apply: Apply, rows: Any) -> None:
    apply("rules", RULE % "checks_mark")
    one = make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    [run] = rows(tables.run)
    assert (run["state"], run["error"]) == ("done", None)
    assert deal(one.id).source == "checked"


def test_the_record_is_the_one_that_the_rule_is_about(crm: CRM, firm: Firm, apply: Apply, rows: Any) -> None:
    """Of a rule about contacts it is the contact."""
    step = str(apply("rules", RULE.replace("deal", "contact") % "checks_mark").steps[0])
    assert "  may: contact.read (all), contact.update (all), task.create (all)" in step
    contact = make_contact(crm, by=firm.seller)
    crm.worker().run_once()
    assert [run["state"] for run in rows(tables.run)] == ["done"]
    with crm.read(firm.owner) as reader:
        assert reader.get("contact", contact.id).source == "checked"


def test_a_plan_tells_what_a_service_needs(plan: Apply) -> None:
    step = str(plan("rules", RULE % "checks_mark").steps[0])
    assert "  may: deal.read (all), deal.update (all), task.create (all)" in step


@pytest.mark.parametrize(
    "service, told",
    [
        ("documents_generate", "enable the plugin 'documents', which has it"),
        ("checks_mrak", "the plugin that its name begins with has none of this name, or is not enabled"),
    ],
)
def test_a_service_that_is_not_there_is_refused(plan: Apply, service: str, told: str) -> None:
    """With where it may be."""
    with pytest.raises(InputError) as caught:
        plan("rules", RULE % service)
    assert caught.value.fields == {"rules[0].do[0].call.service": [f"there is no service {service!r}: {told}"]}


def test_a_service_that_needs_what_is_not_there_is_refused(plan: Apply) -> None:
    with pytest.raises(InputError) as caught:
        plan("rules", RULE % "checks_lost")
    told = "the service 'checks_lost' needs parcel.read, and there is no entity 'parcel'"
    assert caught.value.fields == {"rules[0].do[0].call.service": [told]}


@pytest.fixture
def author(crm: CRM, firm: Firm) -> Principal:
    """Somebody who defines rules and pipelines, and may hand on to read deals and to make tasks."""
    own = [Grant(it, act, Scope.ALL) for it in DEFINITIONS for act in ("create", "read", "update")]
    handed = [Grant("deal", "read", Scope.ALL), Grant("task", "create", Scope.ALL)]
    given = {"grants": grant_rows([*own, *handed]), "delegable": grant_rows(handed)}
    seat = {"user_id": firm.lead.id, "unit_id": firm.units["HQ"], "is_primary": True}
    with crm.work(firm.owner) as work:
        made = Create(Role, key="author", name="Author", rank=500, home_unit_id=firm.units["HQ"], **given)
        [role] = records.create(work, [made])
        records.create(work, [Create(Membership, role_id=role.record_id, **seat)])
    return firm.lead


@pytest.fixture
def updated(crm: CRM) -> Iterator[Callable[[Sequence[Grant]], CRM]]:
    """Open the workspace with another version of the plugin, whose service needs other things."""
    with ExitStack() as several:

        def opened(needs: Sequence[Grant]) -> CRM:
            again = CRM(
                engine=crm.database.engine, schema=crm.database.schema, plugins=[Checks(needs)], clock=crm.clock
            )
            several.callback(again.close)
            return again

        yield opened


def test_a_service_that_needs_what_is_not_there_is_told_of(crm: CRM) -> None:
    """Before anybody tries to call it."""
    told = "the service 'checks_lost': there is no entity 'parcel' here, so no rule as text can call it"
    assert crm.problems()["checks"] == f"plugin 'checks', {told}"


def test_a_service_hands_nobody_on_what_they_may_not(author: Principal, plan: Apply) -> None:
    """Whoever writes a rule must be able to hand on what its services need: else these would do it for them."""
    with pytest.raises(PermissionDenied, match=r"it would be allowed deal\.update \(all\), which you may not hand on"):
        plan("rules", RULE % "checks_mark", by=author)


def test_what_a_service_needs_anew_is_approved_with_the_next_edit(
    crm: CRM, firm: Firm, author: Principal, updated: Any
) -> None:
    """Even if the edit says nothing of it: what is in force does not come to more by somebody who may not."""
    before, after = updated(()), updated(NEEDS)
    with before.work(author) as work:
        planning.carry_out(work, "pipelines", text.parse(PIPELINE, "pipelines"))
    with after.read(firm.owner) as reader:
        [goods] = reader.list(Query(PipelineDefinition))
    with after.work(author) as work, pytest.raises(PermissionDenied, match=r"deal\.update"):
        records.update(work, [Update(PipelineDefinition, goods.id, replaced_by={"new": "done"})])
    with after.work(firm.owner) as work:
        [line] = records.update(work, [Update(PipelineDefinition, goods.id, replaced_by={"new": "done"})])
    assert [it["action"] for it in line.after["grants"]] == ["read", "update", "create"]


def test_a_rule_is_allowed_more_when_it_is_switched_on_again(firm: Firm, updated: Any) -> None:
    """It goes off without a question, and what the service needs by now is approved with the way back."""
    before, after = updated(()), updated(NEEDS)
    with before.work(firm.owner) as work:
        planning.carry_out(work, "rules", text.parse(RULE % "checks_mark", "rules"))
    with after.work(firm.owner) as work:
        switching.switch(work, "checked", "off")
        switching.switch(work, "checked", "on")
    assert {"update", "create"} <= {it.action for it in after.configuration.approved("rule.checked")}


def test_another_plugin_is_allowed_what_its_service_needs(make_crm: Any) -> None:
    """A plugin whose own rule calls it asks for no more than that."""
    crm = make_crm([Checks(), Caller()])
    wanted = given_plugin(Caller()).declared.wanted(crm.catalogue.entities, crm.hooks.needs())
    assert [(it.entity, it.action) for it in wanted] == [("deal", "read"), ("deal", "update"), ("task", "create")]


def test_a_plugin_asks_for_what_a_service_needs_that_is_not_enabled_yet(crm: CRM) -> None:
    """It may be enabled before the plugin that has the service, and is approved once."""
    caller = SimpleNamespace(opencrm_register_rules=Letters().opencrm_register_rules)
    crm._plugins._loaded()["letters"] = read_plugin("letters", caller, source="package")
    asked = {(it.entity, it.action) for it in crm.wanted_grants("letters")}
    assert asked == {("deal", "read"), ("deal", "update"), ("documents_template", "read")}
