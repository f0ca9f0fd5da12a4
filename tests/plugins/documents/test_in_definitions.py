"""Pipelines and rules of the workspace's own that make documents: their authors open no more than they read."""

from __future__ import annotations

import pytest
from tests.plugins.documents.conftest import CONTRACT, text_of, word

from opencrm import (
    Create,
    Deal,
    Grant,
    InputError,
    Membership,
    Objected,
    PermissionDenied,
    Query,
    RequirementMissing,
    Role,
    RuleDefinition,
    Scope,
    Update,
    records,
)
from opencrm.core.access.grants import grant_rows
from opencrm.plugins.documents import Template
from opencrm.services.definitions.process import planning, switching, text

RULE = """
[[rules]]
key = "papers"
on = {changed = "deal", fields = ["title"]}
do = [{call = {service = "documents_generate", values = {template = "%s"}}}]
"""
BODY = word("{% for it in positions %}{{ it.title }}: {{ it.price }} {% endfor %}")
LINES = {"positions": "lines[]"}
MAKES = [Grant("documents_template", it, Scope.ALL) for it in ("create", "read", "update")]
RULES = [Grant("rule_definition", it, Scope.ALL) for it in ("create", "read", "update")]
HANDED = [Grant(it, "read", Scope.ALL) for it in ("deal", "contact", "documents_template")]


@pytest.fixture
def apply(crm, firm):
    def applied(template="contract", by=None):
        with crm.work(by or firm.owner) as work:
            return planning.carry_out(work, "rules", text.parse(RULE % template, "rules"))

    return applied


@pytest.fixture
def keeper(crm, firm, deal):
    """Somebody who writes rules and templates, and reads neither amounts nor prices."""
    handed = [*HANDED, Grant("deal", "update", Scope.ALL)]
    closed = [
        {"entity": it, "field": name, "read": False, "write": False}
        for it, name in (("deal", "amount"), ("deal_line", "price"))
    ]
    given = {"grants": grant_rows([*MAKES, *RULES, *handed]), "delegable": grant_rows(handed)}
    seat = {"user_id": firm.lead.id, "unit_id": firm.units["HQ"], "is_primary": True}
    with crm.work(firm.owner) as work:
        made = Create(Role, key="keeper", name="Keeper", rank=500, home_unit_id=firm.units["HQ"], **given)
        [role] = records.create(work, [made])
        records.create(work, [Create(Membership, role_id=role.record_id, **seat)])
        shut = [it.id for it in work.list(Query(Role)) if it.key != "owner"]  # Of several roles each opens more.
        records.update(work, [Update(Role, it, field_rules=closed) for it in shut])
    return firm.lead


@pytest.fixture
def retitled(crm, firm, deal):
    """Change the deal's title, have the worker work, and return what the newest document says."""

    def change(to="More windows"):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, deal.id, title=to)])
        crm.worker().run_once()
        with crm.read(firm.owner) as reader:
            found = [it for it in reader.list(Query("file")) if it.record_id == deal.id]
        return text_of(crm.files.open(firm.owner, found[0].id).read()).strip() if found else None

    return change


def test_a_rule_may_read_what_its_template_shows(make_template, apply, retitled):
    """The client, who is another record, too: whoever saves the rule is told, and the document is made."""
    make_template("word", word("{{ client }} {{ amount }}"))
    assert "contact.read (all)" in str(apply().steps[0])
    assert retitled() == "Maria <Lopez> & Sons 4800"


@pytest.mark.parametrize(
    "data, told",
    [({"amount": "amount?"}, "deal has no field 'amount'"), (LINES, "its rows hold what you may not read")],
)
def test_what_the_author_may_not_read_is_shown_by_no_document(crm, firm, make_template, apply, keeper, data, told):
    """As if the rule named it itself."""
    make_template("word", word("Nothing"), data=data)
    with pytest.raises(InputError) as caught:
        apply(by=keeper)
    assert [*caught.value.fields] == ["rules[0].do[0].call.service"]
    assert told in str(caught.value)
    assert apply().steps


def test_a_template_is_not_told_by_the_record(make_template, keeper, apply):
    """Whoever fills in a field would choose what is shown."""
    make_template("word", word("{{ amount }}"))
    with pytest.raises(InputError, match="must not depend on the record"):
        apply("{description}", by=keeper)


@pytest.mark.parametrize("entity, read", [("contact", True), ("contact", False)])
def test_what_a_template_needs_is_handed_on(crm, firm, make_template, apply, keeper, entity, read):
    """Only by who may read it, and hand it on."""
    make_template("word", word("{{ client }}"), data={"client": "contact.name"})
    if read:
        assert apply(by=keeper).steps
        return
    with crm.work(firm.owner) as work:
        [role] = [it for it in work.list(Query(Role)) if it.key == "keeper"]
        less = [it for it in role.delegable if it["entity"] != entity]
        records.update(work, [Update(Role, role.id, delegable=less)])
    with pytest.raises(PermissionDenied, match=r"contact\.read \(all\), which you may not hand on"):
        apply(by=keeper)


def test_a_template_that_shows_more_is_approved_anew(crm, firm, make_template, apply, keeper, retitled):
    """By whoever may read it: what the author of the rule does not read does not come to them so."""
    id = make_template("word", word("{{ title }}"), data={"title": "title"})
    apply(by=keeper)
    assert retitled("One") == "One"
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Template, id, data={"title": "title", "amount": "amount?"})])
    with pytest.raises(RequirementMissing, match="what it shows has changed since") as caught:
        retitled("Two")
    assert "amount" not in str(caught.value)
    assert "'documents_generate' shows amount of deal" in crm.problems()["rule.papers"]
    with pytest.raises(InputError, match="deal has no field 'amount'"), crm.work(keeper) as work:
        switching.switch(work, "papers", "off")
        switching.switch(work, "papers", "on")
    assert [it.act for it in apply().steps] == ["change"]
    assert retitled("Three") == "Three"
    assert "shows amount of deal" not in crm.problems().get("rule.papers", "")
    assert apply().steps == ()


def test_a_rule_may_be_there_before_its_template(crm, firm, make_template, apply, keeper, retitled):
    """It shows nothing of it until it is saved again, by somebody who reads what that shows."""
    apply(by=keeper)
    make_template("word", word("{{ amount }}"), data={"amount": "amount"})
    with pytest.raises(RequirementMissing, match="what it shows has changed since"):
        retitled()
    with pytest.raises(InputError, match="deal has no field 'amount'"):
        apply(by=keeper)


@pytest.mark.parametrize("data, path", [({"amount": "amount"}, "amount"), (LINES, "lines")])
def test_a_template_shows_what_its_author_reads(crm, keeper, make_template, data, path):
    """A plugin's pipeline may make documents of it, on records that its author reads."""
    with pytest.raises(Objected, match=f"deal has no '{path}'"):
        make_template("word", word("Nothing"), data=data, by=keeper)


def test_whoever_gives_a_template_its_body_reads_what_it_shows(crm, keeper, make_template):
    id = make_template()
    with pytest.raises(Objected, match="shows something that you may not read"):
        crm.files.add(keeper, Template, id, CONTRACT.encode(), name="other.typ")


def test_who_sees_on_a_document_what_they_may_not_read_is_told_of(crm, firm, make_template, apply):
    """In one sentence, to whoever plans the rule, and in what is wrong."""
    make_template("word", word("Nothing"), data={"amount": "amount?", "title": "title"})
    with crm.work(firm.owner) as work:
        rules = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
        records.update(work, [Update(Role, firm.roles["firm_viewer"], field_rules=rules)])
    shown = "'documents_generate' shows amount to whoever reads the deal"
    told = f"{shown}, also to roles that cannot read it: firm_viewer"
    assert [it for it in apply().warnings if "shows" in it] == [f"papers.do[0].call.service: {told}"]
    assert told in crm.problems()["rule.papers"]


def test_what_is_switched_off_is_approved_when_it_comes_back(crm, firm, make_template, apply, keeper):
    """Nobody is judged while it is off, so that nothing is approved meanwhile."""
    id = make_template("word", word("{{ title }}"), data={"title": "title"})
    apply(by=keeper)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Template, id, data={"title": "title", "amount": "amount?"})])
    with crm.work(keeper) as work:
        switching.switch(work, "papers", "off")
    with crm.read(firm.owner) as reader:
        [rule] = reader.list(Query(RuleDefinition))
    assert rule.shows == ["deal.title"]
