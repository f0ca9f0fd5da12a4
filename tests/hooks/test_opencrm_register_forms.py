"""opencrm_register_forms: what strangers can send."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from opencrm import ConfigurationError, Empty, Pipeline, PluginError, Rule, Stage, WebForm, hookimpl, submitted, update
from opencrm.hooks import Hooks, given_plugin
from opencrm.hooks.plugin import read_plugin

SALES = Pipeline("shop", ["new", Stage("won", kind="won")], moves={("new", "won")})


class Shop:
    """Takes requests."""

    def __init__(self, *forms: WebForm) -> None:
        self._forms = forms

    @hookimpl
    def opencrm_register_pipelines(self):
        yield SALES

    @hookimpl
    def opencrm_register_forms(self):
        yield from self._forms

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("shop_sent", on=submitted("shop_request"), when=Empty("source"), do=[update(source="web")])


REQUEST = WebForm("shop_request", ["name", "phone"], pipeline="shop")


def test_a_form_is_offered(make_crm):
    crm = make_crm([Shop(REQUEST)])
    assert [it.name for it in crm.forms.describe("shop_request").fields] == ["name", "phone"]
    assert "shop" not in crm.problems()


def test_what_a_form_needs_is_asked_for_by_itself(crm):
    """Whoever enables the plugin approves it."""
    asked = given_plugin(Shop(REQUEST)).declared.wanted(crm.catalogue.entities, {})
    wanted = {(it.entity, it.action) for it in asked}
    people = {("contact", action) for action in ("create", "read", "update", "assign")}
    notes = {("activity", action) for action in ("create", "read", "assign")}
    deals = {("deal", action) for action in ("create", "read", "update", "assign")}
    assert wanted == people | notes | deals


@pytest.mark.parametrize(
    "form, why",
    [
        (WebForm("f", ["phone", "shoe_size"], pipeline="shop"), "fields: 'shoe_size' is no field of deal"),
        (WebForm("f", ["phone", "owner_id"], pipeline="shop"), "fields: 'owner_id' is no field of deal"),
        (WebForm("f", ["phone", "stage"], pipeline="shop"), "fields: 'stage' is no field of deal"),
        (WebForm("f", ["phone"], pipeline="ships"), "pipeline: there is no pipeline 'ships'"),
        (WebForm("f", ["phone"], pipeline="shop", stage="attic"), "stage: pipeline 'shop' has no stage 'attic'"),
        (WebForm("f", ["phone"], pipeline="shop", values={"sauce": 1}), "values: deal has no field 'sauce'"),
        (WebForm("f", ["amount"], about="ship"), "about: there is no entity 'ship'"),
        (WebForm("f", ["amount"], about="deal", of="ship"), "of: there is no entity 'ship'"),
        (WebForm("f", ["name"], about="deal", of="product"), "of: product has no field that refers to deal"),
    ],
)
def test_a_form_that_asks_for_what_is_not_there_is_told_of(make_crm, form, why):
    """It is not served; the workspace runs all the same."""
    crm = make_crm([Shop(form)])
    assert why in crm.problems()["shop"]
    with pytest.raises(ConfigurationError, match="form 'f' cannot be used: "):
        crm.forms.describe("f")


def test_a_plugin_with_such_a_form_cannot_be_enabled(crm, firm, monkeypatch):
    plugin = read_plugin(
        "shop",
        SimpleNamespace(opencrm_register_forms=Shop(WebForm("f", ["phone"], pipeline="no")).opencrm_register_forms),
        source="package",
    )
    found = crm._plugins._loaded()
    found["shop"] = plugin
    with pytest.raises(PluginError, match="form 'f': pipeline: there is no pipeline 'no'"):
        crm.enable(firm.owner, "shop")


def test_two_plugins_cannot_bring_one_form(make_crm):
    class Other:
        @hookimpl
        def opencrm_register_forms(self):
            yield WebForm("shop_request", ["email"], pipeline="shop")

    with pytest.raises(PluginError, match="form 'shop_request' is registered by 'other' already"):
        Hooks([given_plugin(Shop(REQUEST)), given_plugin(Other())])


@pytest.mark.parametrize(
    "given, why",
    [
        ({"key": "F!"}, "key"),
        ({"fields": []}, "fields"),
        ({"fields": ["phone", "phone"]}, "fields"),
        ({"fields": "phone"}, "list of names"),
        ({"fields": ["name"]}, "ask for email or phone"),
        ({"fields": ["phone", "fax_number"]}, "fax_number"),
        ({"pipeline": None}, "pipeline"),
        ({"about": "deal"}, "pipeline"),
        ({"of": "activity"}, "of"),
        ({"optional": ["email"]}, "optional"),
        ({"labels": {"email": "Mail"}}, "labels"),
        ({"title": "Of {email}"}, "title"),
        ({"title": "Of {"}, "place"),
        ({"origins": ["*"]}, "origins"),
        ({"origins": ["https://a.example/path"]}, "origins"),
        ({"owner": "ann"}, "selector"),
        ({"seconds": -1}, "seconds"),
    ],
)
def test_a_form_that_contradicts_itself_is_no_form(given, why):
    """The message names the argument."""
    wanted = {"key": "f", "fields": ["phone"], "pipeline": "shop", **given}
    with pytest.raises(ValueError, match=why):
        WebForm(wanted.pop("key"), wanted.pop("fields"), **wanted)
