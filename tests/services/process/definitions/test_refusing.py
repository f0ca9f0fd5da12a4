"""What is refused when a pipeline or a rule is saved, each with its place; and what is told of it all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.services.process.definitions.texts import LARGE, REPAIRS, Apply

from opencrm import (
    CRM,
    AddedField,
    Create,
    CustomField,
    Day,
    Deal,
    InputError,
    Membership,
    PermissionDenied,
    Pipeline,
    PipelineDefinition,
    Role,
    Rule,
    RuleDefinition,
    Stage,
    TaskSpec,
    Text,
    Update,
    changed,
    created,
    entered,
    hookimpl,
    move,
    notify,
    pick,
    records,
    required,
    rotten,
    update,
)
from opencrm.core.access.grants import Grant, Scope, grant_rows
from opencrm.errors import PluginError
from opencrm.testing import Firm


class Own:
    """A plugin with a pipeline and a rule that a definition may clash with."""

    name = "own"

    @hookimpl
    def opencrm_register_fields(self) -> Iterator[AddedField]:
        yield AddedField(entity="deal", name="own_dog", type=Text(50))
        yield AddedField(entity="deal", name="own_fitted", type=Day(), sensitive=None)

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        stages = [Stage("new", tasks=[TaskSpec("pack")]), Stage("sent", enter=[required("own_dog")])]
        yield Pipeline("orders", stages, moves={("new", "sent")})

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("greet", on=created(Deal), do=[notify(pick("nobody_has_it"), "Hello {title}")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Own()]


def rule(do: str, on: str = '{created = "deal"}', more: str = "") -> str:
    return f'[[rules]]\nkey = "one"\non = {on}\n{more}do = [{do}]\n'


@pytest.mark.parametrize(
    "toml, place, text",
    [
        (rule('{update = {amunt = "1"}}'), "rules[0].do[0].update.amunt", "deal has no field 'amunt'"),
        (rule('{update = {amount = "much"}}'), "rules[0].do[0].update.amount", "must be"),
        (rule('{update = {stage = "won"}}'), "rules[0].do[0].update.stage", "there is an action `move`"),
        (rule('{update = {source = "{contact.nam}"}}'), "rules[0].do[0].update.source", "contact has no field 'nam'"),
        (rule('{wait = "1d"}, {move = "nowhere"}'), "rules[0].do[1].move", "has a stage 'nowhere'"),
        (rule('{move = "sales.x"}'), "rules[0].do[0].move", "there is no pipeline 'sales'"),
        (rule('{notify = {to = {pick = "sailor"}, text = "x"}}'), "rules[0].do[0].notify.to", "no role 'sailor'"),
        (rule('{notify = {to = "owner", text = "{x}"}}'), "rules[0].do[0].notify.text", "no field 'x'"),
        (rule('{call = {service = "x_y", values = {}}}'), "rules[0].do[0].call.service", "no service 'x_y'"),
        (rule('{create = {entity = "dea", values = {}}}'), "rules[0].do[0].create.entity", "no entity 'dea'"),
        (rule('{create = {entity = "task", values = {x = 1}}}'), "rules[0].do[0].create.values.x", "no field 'x'"),
        (rule('{only_if = {field = "x", op = "empty"}}'), "rules[0].do[0].only_if", "x: deal has no such field"),
        (rule('{wait = "1d"}', on='{created = "dea"}'), "rules[0].on", "no entity 'dea'"),
        (rule('{wait = "1d"}', on='{changed = "deal", fields = ["x"]}'), "rules[0].on", "no field 'x'"),
        (rule('{wait = "1d"}', on='{done = "x"}'), "rules[0].on", "gives a task 'x'"),
        (rule('{wait = "1d"}', on='{submitted = "x"}'), "rules[0].on", "no web form 'x'"),
        (rule('{wait = "1d"}', on='{entered = "orders.x"}'), "rules[0].on", "no stage 'x'"),
        (rule('{wait = "1d"}', on='{rotten = "orders.new"}'), "rules[0].on", "no `rots_after`"),
        (rule('{wait = "1d"}', on='{after = "deal", field = "title", duration = "1d"}'), "rules[0].on", "an instant"),
        (rule('{wait = "1d"}', more='when = {field = "x", op = "empty"}\n'), "rules[0].when", "no such field"),
        (rule('{wait = "1d"}', more='anew = "x"\n'), "rules[0].anew", "no field 'x'"),
        (rule('{wait = "soon"}'), "rules[0].do[0].wait", "soon"),
        (rule('{give = {key = "t", form = {key = "f", fields = ["x"]}}}'), "rules[0].do[0].give.form.fields", "'x'"),
        (rule('{give = {key = "pack"}}'), "rules[0]", "there is a task 'pack' already, of own"),
        ('[[rules]]\nkey = "greet"\non = {created = "deal"}\ndo = [{wait = "1d"}]\n', "rules[0]", "already, of own"),
        (REPAIRS.replace('"repairs"', '"orders"'), "pipelines[0]", "there is a pipeline 'orders' already, of own"),
        (REPAIRS.replace("[[pipelines]]", '[[pipelines]]\nentity = "x"'), "pipelines[0].entity", "no entity 'x'"),
        (REPAIRS.replace("[[pipelines]]", '[[pipelines]]\nentity = "role"'), "pipelines[0].entity", "cannot have"),
        (REPAIRS.replace("Look at {title}", "{nothing}"), "pipelines[0].stages[0].tasks[0].title", "'nothing'"),
        (REPAIRS.replace('{field = "amount"', '{field = "x"'), "pipelines[0].stages[1].enter[0].condition", "x: deal"),
        (REPAIRS.replace('["*", "lost"]', '["*", "orders.x"]'), "pipelines[0].moves", "no stage 'x'"),
    ],
)
def test_what_is_named_must_be_there(crm: CRM, plan: Apply, toml: str, place: str, text: str) -> None:
    """Each fault stands under its place in the text."""
    with pytest.raises(InputError) as refused:
        plan("rules" if "[[rules]]" in toml else "pipelines", toml)
    assert place in refused.value.fields
    assert text in "; ".join(refused.value.fields[place])


def test_a_condition_too_deep_is_refused(crm: CRM, plan: Apply) -> None:
    """Where it stands."""
    deep = "{not = " * 9 + '{field = "title", op = "empty"}' + "}" * 9
    with pytest.raises(InputError) as refused:
        plan("rules", rule('{wait = "1d"}', more=f"when = {deep}\n"))
    assert list(refused.value.fields) == ["rules[0].when"]


def test_a_loop_is_refused_with_its_rules(crm: CRM, plan: Apply, apply: Apply) -> None:
    """Of two that are saved at once, and of one that closes a loop with those that stand; one that waits is none."""
    ping = rule('{update = {title = "{source}."}}', on='{changed = "deal", fields = ["source"]}').replace("one", "ping")
    pong = (
        ping.replace("ping", "pong")
        .replace('"source"', '"title"')
        .replace('title = "{source}."', 'source = "{title}."')
    )
    with pytest.raises(InputError, match="ping > pong > ping"):
        plan("rules", ping + pong)
    apply("rules", ping)
    with pytest.raises(InputError, match="set each other off"):
        plan("rules", pong)
    assert plan("rules", pong.replace("do = [", 'do = [{wait = "1d"}, ')).steps
    apply("rules", pong.replace("do =", "active = false\ndo ="))
    with pytest.raises(InputError, match="set each other off"):
        plan("rules", '[[rules]]\nkey = "pong"\nactive = true\n')


class Looping:
    """A plugin whose own rules and stages go round."""

    name = "looping"

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("there", on=changed(Deal, "source"), do=[update(title="{source}")])
        yield Rule("back", on=changed(Deal, "title"), do=[update(source="{title}")])


class Astray:
    """A plugin that names a stage that its own pipeline does not have."""

    name = "astray"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("walk", ["a", Stage("b", do=[move("walk.c")])], moves={("a", "b")})

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("gone", on=entered("walk.a"), do=[move("walk.b")])


class Fresh:
    """A plugin whose rule waits for what rots where nothing does."""

    name = "fresh"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield Pipeline("walk", ["a", Stage("b", rots_after="1d")], moves={("a", "b")})

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("fine", on=rotten("walk.b"), do=[move("walk.a")])
        yield Rule("never", on=rotten("walk.a"), do=[move("walk.b")])


@pytest.mark.parametrize(
    "plugin, text",
    [
        (Looping(), "there > back > there"),
        (Astray(), "pipeline 'walk' has no stage 'c'"),
        (Fresh(), r"never\.on: the stage walk\.a has no `rots_after`, so nothing rots there"),
    ],
)
def test_a_plugin_that_is_wrong_by_itself_is_not_started(tmp_path: Path, plugin: object, text: str) -> None:
    """It says why, as `opencrm plugin list` does of an installed one."""
    with pytest.raises(PluginError, match=text):
        CRM(f"sqlite:///{tmp_path / 'a.db'}", plugins=[plugin])


def test_plugins_that_are_wrong_together_are_not_started(tmp_path: Path) -> None:
    """One waits for what rots in the other's stage, where nothing does."""

    class Walk:
        @hookimpl
        def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
            yield Pipeline("walk", ["a", "b"], moves={("a", "b")})

    class Waits:
        @hookimpl
        def opencrm_register_rules(self) -> Iterator[Rule]:
            yield Rule("never", on=rotten("walk.a"), do=[move("walk.b")])

    CRM(f"sqlite:///{tmp_path / 'a.db'}", plugins=[Waits()]).close()
    with pytest.raises(PluginError, match=r"plugin 'waits': never\.on: the stage walk\.a has no `rots_after`"):
        CRM(f"sqlite:///{tmp_path / 'a.db'}", plugins=[Waits(), Walk()])


def test_what_only_the_workspace_shows_is_told_as_a_problem(crm: CRM, firm: Firm, apply: Apply) -> None:
    """Roles that are not there, roles without holders, stages that nothing leads to, fields that movers cannot read."""
    problems = crm.problems()
    assert "plugin 'own', pipeline 'orders': no move leads out of the open stage orders.sent" in problems["own"]
    assert "rule 'greet': there is no role 'nobody_has_it'" in problems["own"]
    with crm.work(firm.owner) as work:
        hidden = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
        grants = grant_rows([Grant("deal", "read", Scope.OWN), Grant("deal", "move:*", Scope.OWN)])
        records.create(work, [Create(Role, key="porter", name="Porter", rank=1, grants=grants, field_rules=hidden)])
    done = apply(
        "pipelines",
        REPAIRS.replace(
            '{condition = {field = "amount", op = "greater", value = 0}',
            '{condition = {field = "source", op = "equal", value = "x"}, form = {key = "f", fields = ["source"]}',
        ),
    )
    assert not done.warnings
    done = apply("rules", rule('{notify = {to = {pick = "porter"}, text = "x"}}'))
    assert done.warnings == ("one.do[0].notify.to: nobody holds the role 'porter'",)
    assert crm.problems()["rule.one"] == "rule 'one': nobody holds the role 'porter'"


BORN = """
[[rules]]
key = "born"
on = {created = "contact"}
do = [{update = {birthday = "2000-01-01"}}]
"""


def test_a_requirement_that_a_mover_cannot_read_is_told(crm: CRM, firm: Firm, apply: Apply) -> None:
    """Naming the role and the field; automations read it all the same."""
    with crm.work(firm.owner) as work:
        hidden = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
        grants = grant_rows([Grant("deal", "read", Scope.OWN), Grant("deal", "move:*", Scope.OWN)])
        records.create(work, [Create(Role, key="porter", name="Porter", rank=1, grants=grants, field_rules=hidden)])
    apply("pipelines", REPAIRS)
    apply("rules", LARGE)
    [told] = [text for text in crm.problems().values() if "repairs" in text]
    assert "porter" in told
    assert "amount" in told


def test_what_is_sensitive_is_closed_to_automations(apply: Apply) -> None:
    """A rule cannot read it, nor write it."""
    for rule in (LARGE.replace("deal", "contact").replace("amount", "birthday"), BORN):
        with pytest.raises(InputError, match=r"contact\.birthday is closed to automations: its label is 'personal'"):
            apply("rules", rule)


@pytest.mark.parametrize(
    "do",
    [
        '{notify = {to = "owner", text = "{own_dog}"}}',
        '{update = {own_dog = "Rex"}}',
        '{only_if = {field = "own_dog", op = "empty"}}',
    ],
)
def test_a_field_that_a_plugin_adds_is_closed_and_says_how_to_open_it(apply: Apply, do: str) -> None:
    """In a text, in what is set and in a condition alike; the open one is used like the entity's own."""
    remedy = "declare it with sensitive=None, or what uses it in the plugin that adds it"
    with pytest.raises(InputError, match=rf"deal\.own_dog is closed to automations: its label is 'plugin'; {remedy}"):
        apply("rules", rule(do))
    apply("rules", rule(do.replace("own_dog", "own_fitted").replace("Rex", "2026-03-02")))


def test_a_field_that_a_workspace_closes_says_how_to_open_it(crm: CRM, firm: Firm, apply: Apply) -> None:
    """It is defined again without the label."""
    with crm.work(firm.owner) as work:
        given: dict[str, Any] = {"entity": "deal", "key": "dog", "label": "Dog", "kind": "text"}
        records.create(work, [Create(CustomField, **given, sensitive="private")])
    with pytest.raises(InputError, match=r"closed to automations: its label is 'private'; define it without"):
        apply("rules", rule('{only_if = {field = "dog", op = "empty"}}'))


def test_a_closed_field_does_not_exist_for_an_author_who_may_not_read_it(crm: CRM, firm: Firm, apply: Apply) -> None:
    """They are told what they would be told of a misspelt one."""
    with crm.work(firm.owner) as work:
        acts = [Grant("rule_definition", act, Scope.ALL) for act in ("create", "read", "update")]
        grants = grant_rows([*acts, Grant("deal", "read", Scope.ALL)])
        role = Create(Role, key="keeper", name="Keeper", rank=500, home_unit_id=firm.units["HQ"], grants=grants)
        [made] = records.create(work, [role])
        seat = {"unit_id": firm.units["HQ"], "role_id": made.record_id, "is_primary": True}
        records.create(work, [Create(Membership, user_id=firm.stranger.id, **seat)])
    for name in ("own_dog", "own_god"):
        with pytest.raises(InputError, match=f"{name}: deal has no such field"):
            apply("rules", rule(f'{{only_if = {{field = "{name}", op = "empty"}}}}'), by=firm.stranger)


def test_a_field_that_movers_cannot_read_is_told_in_one_line(crm: CRM, firm: Firm) -> None:
    """A line for each field, with all the roles and with what to do."""
    [line] = [it for it in crm.problems()["own"].splitlines() if "own_dog" in it]
    begun, _, rest = line.partition(": stage ")
    assert begun == "plugin 'own', pipeline 'orders'"
    said, _, remedy = rest.partition("; ")
    told, _, named = said.partition(": ")
    assert told == "'sent' asks for deal.own_dog, which roles that move records cannot read"
    assert "full_access" in named.split(", ")
    assert "owner" not in named.split(", ")
    assert remedy == "open it to them by a field rule, or declare it with sensitive=None"


def test_nobody_hands_on_what_they_may_not(crm: CRM, firm: Firm, apply: Apply) -> None:
    """Grants of definitions alone save none that could do more; with the grants delegable it is saved."""
    acts = [Grant("rule_definition", act, Scope.ALL) for act in ("create", "read", "update", "delete")]
    needed = [Grant("deal", "read", Scope.ALL), Grant("deal", "update", Scope.ALL)]
    with crm.work(firm.owner) as work:
        given: dict[str, Any] = {"name": "Keeper", "rank": 500, "home_unit_id": firm.units["HQ"]}
        weak = Create(Role, key="weak", grants=grant_rows([*acts, *needed]), **given)
        strong = Create(Role, key="strong", grants=grant_rows([*acts, *needed]), delegable=grant_rows(needed), **given)
        made = records.create(work, [weak, strong])
        seats = [(firm.lead, made[0]), (firm.head, made[1])]
        records.create(
            work,
            [
                Create(Membership, user_id=who.id, unit_id=firm.units["HQ"], role_id=role.record_id, is_primary=True)
                for who, role in seats
            ],
        )
    with pytest.raises(PermissionDenied, match=r"it would be allowed deal\.read \(all\), which you may not hand on"):
        apply("rules", LARGE, by=firm.lead)
    assert apply("rules", LARGE, by=firm.head).steps
    with pytest.raises(PermissionDenied, match=r"task\.create"):
        apply("rules", LARGE.replace("do = [", 'do = [{give = {key = "t"}}, '), by=firm.head)


def test_generic_writes_are_judged_the_same(crm: CRM, firm: Firm, apply: Apply) -> None:
    """A record of a definition that is made or changed by itself: names, keys, derived grants."""
    with crm.work(firm.owner) as work:
        [line] = records.create(
            work, [Create(RuleDefinition, definition=Rule("r", on=created(Deal), do=[update(source="x")]))]
        )
        assert [it["action"] for it in line.after["grants"]] == ["read", "update"]
    with crm.work(firm.owner) as work, pytest.raises(InputError, match=r"definition\.do"):
        records.update(work, [Update(RuleDefinition, line.record_id, definition=_named("r", "{nothing}"))])
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="key: cannot be changed"):
        records.update(work, [Update(RuleDefinition, line.record_id, key="s", definition=_named("s", "x"))])
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="grants"):
        records.create(work, [Create(RuleDefinition, definition=_named("s", "x"), grants=[])])
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="no plugin has a rule 'nothing'"):
        records.create(work, [Create(RuleDefinition, key="nothing")])
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="definition: is required"):
        records.create(work, [Create(PipelineDefinition, key="nothing")])


def _named(key: str, source: str) -> Any:
    return {"key": key, "on": {"created": "deal"}, "do": [{"update": {"source": source}}]}
