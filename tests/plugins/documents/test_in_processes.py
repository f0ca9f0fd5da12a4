"""Documents that stages and rules ask for: what is missing refuses the move, the worker makes them, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.plugins.documents.conftest import text_of, word

from opencrm import (
    Create,
    Deal,
    File,
    Move,
    Pipeline,
    Query,
    RequirementMissing,
    Role,
    Rule,
    Stage,
    Update,
    changed,
    generate,
    hookimpl,
    pipelines,
    records,
    required,
    wait,
)
from opencrm.core.access.grants import Grant, Scope
from opencrm.core.access.principal import Principal
from opencrm.embed import timeline
from opencrm.plugins import documents
from opencrm.services.process import runs
from opencrm.testing import make_contact, make_record

DATA = {"client": "contact.name", "amount": "amount"}


class Contracts:
    """A pipeline whose stage makes a contract, and a rule that makes a letter a day after."""

    @hookimpl
    def opencrm_register_pipelines(self):
        stages = [Stage("talk"), Stage("agreed", do=[generate("contract")]), Stage("won", kind="won")]
        yield Pipeline("contracts", stages, moves={("talk", "agreed"), ("agreed", "won")})
        strict = Stage("agreed", enter=[required("amount", "currency")], do=[generate("strict")])
        yield Pipeline("strict", [Stage("talk"), strict], moves={("talk", "agreed")})

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("contracts_letter", on=changed(Deal, "description"), do=[wait("1d"), generate("letter")])

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)


@pytest.fixture
def crm_plugins():
    return [documents, Contracts()]


@pytest.fixture
def deal(crm, firm):
    """A deal without an amount."""
    contact = make_contact(crm, by=firm.seller, name="Ann")
    given = {"title": "Windows", "pipeline": "contracts", "stage": "talk", "contact_id": contact.id}
    return make_record(crm, Deal, by=firm.owner, owner_id=firm.seller.id, unit_id=firm.units["north_shop"], **given)


def contracts(crm, deal):
    with crm.read(Principal.system("look at a test's documents")) as reader:
        return [row for row in reader.list(Query(File)) if row.record_id == deal.id]


def agree(crm, firm, deal, **values):
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="agreed", values=values or None)])


def stage_of(crm, firm, deal):
    with crm.read(firm.owner) as reader:
        return reader.get(Deal, deal.id).stage


def test_what_is_missing_refuses_the_move(crm, firm, deal, make_template):
    """With the list of what is missing; the stage is unchanged, and nothing waits for the worker."""
    make_template("word", word("{{ client }}: {{ amount }}"), data=DATA)
    with pytest.raises(RequirementMissing, match="missing: Amount") as refused:
        agree(crm, firm, deal)
    assert [(it["record"], it["text"]) for it in refused.value.details["missing"]] == [(deal.id, "Amount")]
    assert stage_of(crm, firm, deal) == "talk"
    crm.worker().run_once()
    assert contracts(crm, deal) == []


def test_the_worker_makes_it_after_the_move(crm, firm, deal, make_template):
    """As the rule's automation, and what is filled in with the move is in it."""
    make_template("word", word("{{ client }}: {{ amount }}"), data=DATA)
    agree(crm, firm, deal, amount="4800")
    assert contracts(crm, deal) == []
    crm.worker().run_once()
    [file] = contracts(crm, deal)
    assert text_of(crm.files.open(firm.seller, file.id).read()) == "\nAnn: 4800"
    assert file.created_by.startswith("automation:")
    crm.worker().run_once()
    assert [it.number for it in contracts(crm, deal)] == [1]


def test_a_process_that_dies_in_between_makes_one_document(crm, firm, deal, make_template, monkeypatch):
    """The second attempt finds that it is there."""
    make_template("word", word("{{ client }}: {{ amount }}"), data=DATA)
    agree(crm, firm, deal, amount="4800")
    real, died = runs.save, []

    def dying(tx, run, *rest):
        if run.state == "done" and not died:
            died.append(run)
            raise KeyboardInterrupt
        return real(tx, run, *rest)

    monkeypatch.setattr(runs, "save", dying)
    with pytest.raises(KeyboardInterrupt):
        crm.worker().run_once()
    assert len(contracts(crm, deal)) == 1
    crm.clock.advance(timedelta(hours=1))
    crm.worker().run_once()
    assert [it.number for it in contracts(crm, deal)] == [1]


def test_what_is_missing_later_is_told_of_the_run(crm, firm, deal, make_template):
    """After a wait nobody is there to be refused: the run fails, visibly."""
    make_template("word", word("{{ client }}: {{ amount }}"), key="letter", data=DATA)
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, description="big")])
    for _ in range(12):
        crm.advance("1d")
        crm.worker().run_once()
    with crm.database.read() as tx:
        from sqlalchemy import select

        from opencrm.storage import tables

        [run] = tx.query("runs of test", lambda: select(tables.run.c.state, tables.run.c.error), {})
    assert (run["state"], run["error"]) == ("failed", "missing: amount")
    assert contracts(crm, deal) == []


def test_a_template_that_is_not_there_refuses_the_move(crm, firm, deal):
    """Nobody moves a deal into a stage whose document cannot be made; `problems` tells of it before anybody tries."""
    with pytest.raises(RequirementMissing, match="missing: the template 'contract'"):
        agree(crm, firm, deal, amount="1")
    assert stage_of(crm, firm, deal) == "talk"
    assert offered(crm, firm.seller, deal) == [("the template 'contract'", None)]
    told = crm.problems()
    assert "pipeline 'contracts': missing: the template 'contract'" in str(told)
    assert "rule 'contracts_letter': missing: the template 'letter'" in str(told)


def test_a_template_of_something_else_or_without_a_file_is_told(crm, firm, deal, make_template):
    make_template("word", word("{{ name }}"), entity="contact", data={"name": "name"})
    with crm.work(firm.owner) as work:
        given = {"key": "letter", "name": "Letter", "kind": "word", "entity": "deal", "data": {"amount": "amount"}}
        records.create(work, [Create("documents_template", values=given)])
    told = str(crm.problems())
    assert "missing: a template 'contract' of deal: it is one of contact" in told
    assert "missing: a file for the template 'letter'" in told
    with pytest.raises(RequirementMissing, match="missing: a template 'contract' of deal"):
        agree(crm, firm, deal, amount="1")


def test_the_moves_of_a_record_tell_what_the_document_needs(crm, firm, deal, make_template):
    """With the form that asks for it; what is given with the move then fills it in."""
    make_template("word", word("{{ client }}: {{ total }}"), data={"client": "contact.name", "total": "amount"})
    assert offered(crm, firm.seller, deal) == [("Amount", ["amount"])]
    with pytest.raises(RequirementMissing, match="missing: Amount") as refused:
        agree(crm, firm, deal)
    [missing] = refused.value.details["missing"]
    assert missing["form"]["schema"]["required"] == ["amount"]
    agree(crm, firm, deal, amount="4800")
    assert stage_of(crm, firm, deal) == "agreed"
    assert crm.problems() == {name: text for name, text in crm.problems().items() if "template 'contract'" not in text}


def test_what_a_stage_asks_for_itself_is_told_once(crm, firm, deal, make_template):
    """Though its document needs it too; by the labels of the fields, and of those that are empty."""
    with crm.read(firm.seller) as reader:
        contact = reader.get(Deal, deal.id).contact_id
    told = {"title": "Doors", "pipeline": "strict", "stage": "talk", "currency": "EUR", "contact_id": contact}
    one = make_record(crm, Deal, by=firm.owner, owner_id=firm.seller.id, unit_id=firm.units["north_shop"], **told)
    data = {"amount": "amount", "why": "lost_reason", "born": "contact.birthday"}
    make_template("word", word("{{ amount }} {{ why }} {{ born }}"), key="strict", data=data)
    with crm.read(firm.seller) as reader:
        [offer] = pipelines.offers(reader, Deal, one.id)
    assert [it["text"] for it in offer.missing] == ["Amount", "Contact: Birthday", "Lost reason"]
    assert offer.missing[0]["form"]["label"] == "Amount, Currency"


def test_a_field_that_one_may_not_know_of_is_not_named(crm, firm, deal, make_template):
    """Neither among the moves nor where the move is refused."""
    make_template("word", word("{{ client }}: {{ amount }}"), data=DATA)
    rules = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    assert offered(crm, firm.seller, deal) == [("something that you may not read", None)]
    with pytest.raises(RequirementMissing) as refused, crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="agreed")])
    assert "amount" not in str(refused.value.details) + str(refused.value)


def test_the_document_stands_on_the_timeline(crm, firm, deal, make_template):
    """With the stage that made it, and the run that did."""
    make_template("word", word("{{ client }}: {{ amount }}"), data=DATA)
    agree(crm, firm, deal, amount="4800")
    crm.worker().run_once()
    with crm.read(firm.owner) as reader:
        found = {(it.kind, it.entity, it.rule) for it in timeline(reader, Deal, deal.id)}
    assert {("created", "file", "contracts.agreed"), ("ran", "deal", "contracts.agreed")} <= found


def offered(crm, who, deal):
    """Return what the move to `agreed` would ask for."""
    with crm.read(who) as reader:
        [offer] = pipelines.offers(reader, Deal, deal.id)
    return [(it["text"], it["form"]["schema"]["required"] if "form" in it else None) for it in offer.missing]
