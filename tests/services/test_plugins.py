"""Plugins that an owner switches on and off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, inspect

from opencrm import (
    CRM,
    ConfigurationError,
    Contact,
    Grant,
    OpenCRMError,
    PermissionDenied,
    Pipeline,
    PluginError,
    Rule,
    Scope,
    Stage,
    TaskSpec,
    created,
    give,
    hookimpl,
    rotten,
    update,
)
from opencrm.hooks.plugin import read_plugin
from opencrm.services import plugins
from opencrm.services.definitions.process import planning, text
from opencrm.storage import tables
from opencrm.testing import make_contact, make_deal


@pytest.fixture
def offer(crm):
    """`offer("guest", object)`: as if a package with that plugin were installed."""

    def put(name, module):
        crm._plugins._loaded()[name] = read_plugin(name, module, source="package", version="1")

    return put


def active(crm, name="guest"):
    return [state.active for state in crm.plugins() if state.name == name]


class Listener:
    """Notes whom it is told of, or fails."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.broken = False

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry):
        if self.broken:
            raise LookupError("not now")
        self.told.append(entry.after.get("name"))


@pytest.fixture
def listener(crm, firm, offer):
    """An enabled listener, which failed to take one delivery: that one waits."""
    found = Listener()
    offer("guest", found)
    crm.enable(firm.owner, "guest")
    found.broken = True
    make_contact(crm, name="before")
    assert crm.worker().run_once() == 1
    found.broken = False
    return found


def test_disabling_drops_what_was_still_to_be_told(crm, firm, listener, rows):
    """Nothing waits for a plugin that is off, and nothing comes from before when it is on again."""
    assert len(rows(tables.delivery)) == 1
    crm.disable(firm.owner, "guest")
    assert rows(tables.delivery) == []
    crm.advance("1h")
    crm.enable(firm.owner, "guest")
    crm.worker().run_once()
    assert listener.told == []


def test_enabled_again_a_plugin_is_told_of_what_comes(crm, firm, listener, rows):
    """What it missed, and what had failed, does not stand in the way: not even for the same record."""
    crm.disable(firm.owner, "guest")
    make_contact(crm, name="while off")
    crm.worker().run_once()
    crm.enable(firm.owner, "guest")
    make_contact(crm, name="after")
    crm.worker().run_once()
    assert (listener.told, rows(tables.delivery)) == (["after"], [])


def test_only_the_plugins_own_deliveries_are_dropped(crm, firm, listener, offer, rows):
    """Another one's wait on."""
    other = Listener()
    offer("second", other)
    crm.enable(firm.owner, "second")
    other.broken = True
    make_contact(crm, name="Ann")
    crm.worker().run_once()
    crm.disable(firm.owner, "guest")
    assert [row["plugin"] for row in rows(tables.delivery)] == ["second"]


class Tables:
    """Brings a table, which a database may or may not be able to make."""

    def __init__(self, *constraints) -> None:
        self._constraints = constraints

    @hookimpl
    def opencrm_register_tables(self):
        yield Table("guest_seen", MetaData(), Column("id", Integer, primary_key=True), *self._constraints)


def made(crm):
    return inspect(crm.database.engine).has_table("guest_seen", schema=crm.database.schema)


def test_a_plugin_whose_tables_cannot_be_made_stays_off(crm, firm, offer, rows):
    """The owner is told why, the workspace goes on, and with a mended version it can be enabled."""
    offer("guest", Tables(CheckConstraint("no such (thing")))
    with pytest.raises(ConfigurationError):
        crm.enable(firm.owner, "guest")
    assert rows_of_plugins(crm) == []
    assert active(crm) in ([False], [])
    assert make_deal(crm).title == "Windows"
    offer("guest", Tables())
    crm.enable(firm.owner, "guest")
    assert active(crm) == [True]
    assert made(crm)


def test_who_is_no_owner_makes_no_tables(crm, firm, offer):
    """The refusal comes before anything is made."""
    offer("guest", Tables())
    for who in (firm.head, firm.viewer):
        with pytest.raises(PermissionDenied):
            crm.enable(who, "guest")
    assert not made(crm)
    assert rows_of_plugins(crm) == []


def test_a_plugin_that_clashes_stays_off(crm, firm, offer):
    """What another one registers already cannot be registered again."""

    class Twin:
        @hookimpl
        def opencrm_register_pipelines(self):
            from opencrm.testing.firm import WINDOWS

            yield WINDOWS

    offer("guest", Twin())
    with pytest.raises(OpenCRMError, match="windows"):
        crm.enable(firm.owner, "guest")
    assert rows_of_plugins(crm) == []


class Own:
    """Has a pipeline, a rule and a kind of task, each of a key that a company may take, too."""

    @hookimpl
    def opencrm_register_pipelines(self):
        yield Pipeline("repairs", ["new", Stage("done", kind="won")], moves={("new", "done")})

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("greet", on=created(Contact), do=[give(TaskSpec("ring", due="1h"))])


DEFINED = {
    "pipeline 'repairs'": ("pipelines", 'key = "repairs"\nstages = [{key = "in"}]\nmoves = []'),
    "rule 'greet'": ("rules", 'key = "greet"\non = {created = "deal"}\ndo = [{update = {source = "x"}}]'),
    "task 'ring'": (
        "rules",
        'key = "calls"\non = {created = "deal"}\ndo = [{give = {key = "ring", title = "Ring", due = "1h"}}]',
    ),
}


@pytest.fixture
def define(crm, firm):
    """`define("rules", TEXT)`: put a definition of the company's own in force."""

    def put(kind, definition):
        with crm.work(firm.owner) as work:
            planning.carry_out(work, kind, text.parse(f"[[{kind}]]\n{definition}\n", kind))

    return put


@pytest.mark.parametrize("taken", DEFINED)
def test_a_plugin_whose_key_the_company_took_stays_off(crm, firm, offer, define, taken):
    """It says which, before any table is made; once that is retired it can be enabled."""
    kind, definition = DEFINED[taken]
    define(kind, definition)
    offer("guest", Own())
    with pytest.raises(PluginError, match=f"plugin 'guest': {taken} is defined in this workspace already, by its own"):
        crm.enable(firm.owner, "guest")
    assert rows_of_plugins(crm) == []
    define(kind, f"{definition}\nretired = true")
    crm.enable(firm.owner, "guest")
    assert active(crm) == [True]


def test_a_switch_of_a_plugins_rule_is_no_definition(crm, firm, offer, define):
    """A plugin whose rule was switched off can be enabled again; the switch stands."""
    offer("guest", Own())
    crm.enable(firm.owner, "guest")
    define("rules", 'key = "greet"\nactive = false')
    crm.disable(firm.owner, "guest")
    crm.enable(firm.owner, "guest")
    assert not crm.catalogue.process.rules["greet"].rule.active


@pytest.mark.parametrize("first", ["plugin", "definition"])
def test_a_key_that_two_take_at_once_is_one_ones(crm, firm, offer, first):
    """Whoever comes second is refused, and nothing of it is kept."""
    offer("guest", Own())
    plugin = crm._plugins.find("guest")

    def enable(work):
        own = [*plugin.declared.pipelines, *plugin.declared.rules]
        plugins.enable(work, "guest", version="1", grants=(), processes=own)

    def define(work):
        kind, definition = DEFINED["rule 'greet'"]
        planning.carry_out(work, kind, text.parse(f"[[{kind}]]\n{definition}\n", kind))

    acts = [enable, define] if first == "plugin" else [define, enable]
    with ThreadPoolExecutor(1) as pool:
        with crm.work(firm.owner) as work:
            second = pool.submit(_worked, crm, firm, acts[1])
            if not crm.database.sqlite:
                sleep(0.3)  # The other one has read what is in force.
            acts[0](work)
        with pytest.raises(OpenCRMError):
            second.result(timeout=30)
    assert (rows_of_plugins(crm) != []) is (first == "plugin")
    assert "rule.greet" not in crm.problems()


def _worked(crm, firm, act):
    with crm.work(firm.owner) as work:
        sleep(0.6)
        act(work)


class Waits:
    """Waits for what rots in another plugin's stage."""

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("stale", on=rotten("windows.new"), do=[update(source="stale")])


def test_a_plugin_that_waits_for_what_never_comes_stays_off(crm, firm, offer):
    """No stage that it could mean rots."""
    offer("guest", Waits())
    with pytest.raises(PluginError, match=r"stale\.on: the stage windows\.new has no `rots_after`"):
        crm.enable(firm.owner, "guest")
    assert rows_of_plugins(crm) == []


FILE = """
from opencrm import Contact, Rule, created, hookimpl, update

@hookimpl
def opencrm_register_rules():
    yield Rule("greet", on=created(Contact), do=[update(name="x")])
"""


def test_a_file_that_does_not_go_with_what_the_host_passes_is_left_out(tmp_path):
    """The workspace runs, and says why."""
    (tmp_path / "late.py").write_text(FILE, encoding="utf-8")
    crm = CRM(f"sqlite:///{tmp_path / 'a.db'}", plugins=[Own()], plugin_dir=tmp_path)
    crm.init(owner="Ann")
    assert crm.problems()["late"] == "plugin 'late': rule 'greet' is registered by 'own' already"
    assert [it.rule.do for it in crm.catalogue.process.rules.values() if it.rule.key == "greet"] != []
    crm.close()


def rows_of_plugins(crm):
    from sqlalchemy import select

    with crm.database.read() as tx:
        return tx.query(("test", "plugins"), lambda: select(tables.plugin), {})
