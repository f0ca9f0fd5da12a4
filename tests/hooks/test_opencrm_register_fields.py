"""`opencrm_register_fields`: fields that a plugin adds to others' entities."""

from __future__ import annotations

import pytest

from opencrm import AddedField, Create, Deal, Equal, InputError, Query, Text, Update, records
from opencrm.core.fields import Field
from opencrm.errors import PluginError
from opencrm.hooks import Hooks
from opencrm.testing import make_deal


def test_the_documented_example_works(example):
    """An author may copy the example of the reference as it stands."""
    closed, opened = Hooks([example("opencrm_register_fields")]).fields()
    assert (closed.plugin, closed.value.entity, closed.value.name) == ("example", "deal", "example_order")
    assert (closed.value.sensitive, opened.value.sensitive) == ("plugin", None)


@pytest.mark.parametrize("label", ["", "  "])
def test_a_label_that_says_nothing_is_refused(label):
    """It would close the field, and nobody could say why; None leaves it open."""
    with pytest.raises(ValueError, match=r"sensitive: .* is no label such as 'personal'; None leaves the field open"):
        AddedField(entity="deal", name="alpha_order", type=Text(50), sensitive=label)
    with pytest.raises(ValueError, match=r"sensitive: .* is no label"):
        Field(name="order", type=Text(50), label="Order", sensitive=label)


@pytest.mark.parametrize("name", ["order", "beta_order", "alpha_Order", "alpha_" + "x" * 40])
def test_a_name_without_the_plugins_prefix_is_refused(make_plugin, name):
    """Two plugins never mean the same field, and none takes a name of the entity's own."""

    def opencrm_register_fields():
        yield AddedField(entity="deal", name=name, type=Text(50))

    with pytest.raises(PluginError, match="must be called alpha_"):
        make_plugin("alpha", opencrm_register_fields)


def test_one_field_twice_is_refused(make_plugin):
    """The second of one name on one entity cannot start."""

    def opencrm_register_fields():
        yield AddedField(entity="deal", name="alpha_order", type=Text(50))
        yield AddedField(entity="deal", name="alpha_order", type=Text(60))

    with pytest.raises(PluginError, match=r"field 'deal\.alpha_order'"):
        Hooks([make_plugin("alpha", opencrm_register_fields)])


def test_something_else_is_refused(make_plugin):
    """Only declarations of the hook's type are taken."""

    def opencrm_register_fields():
        yield "order"

    with pytest.raises(PluginError, match="is no AddedField"):
        make_plugin("alpha", opencrm_register_fields)


def test_the_fields_come_and_go_with_the_plugin(crm, firm):
    """A plugin's field is like a declared one while it is on; switched off, it is gone and its values stay."""
    with pytest.raises(InputError, match="attribution_source"):
        make_deal(crm, attribution_source="google")
    crm.enable(firm.owner, "attribution")
    deal = make_deal(crm, attribution_source="Google", attribution_landing="https://example.com/windows")
    with crm.read(firm.owner) as reader:
        assert [row.id for row in reader.list(Query(Deal, where=Equal("attribution_source", "google")))] == [deal.id]
    crm.disable(firm.owner, "attribution")
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="attribution_source"):
        records.create(work, [Create(Deal, title="Doors", attribution_source="google")])
    crm.enable(firm.owner, "attribution")
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).attribution_source == "Google"


def test_a_grant_upon_a_field_that_went_away_opens_nothing(crm, firm):
    """The role works on; what the condition let in stays closed until the plugin is back."""
    crm.enable(firm.owner, "attribution")
    deal = make_deal(crm, attribution_source="google")
    when = {"field": "attribution_source", "op": "equal", "value": "google"}
    with crm.work(firm.owner) as work:
        grants = [{"entity": "deal", "action": "read", "scope": "all", "when": when}]
        opened = [{"entity": "deal", "field": "attribution_source", "read": True, "write": False}]
        records.update(work, [Update("role", firm.roles["firm_viewer"], grants=grants, field_rules=opened)])
    for active, seen in ((True, [deal.id]), (False, []), (True, [deal.id])):
        (crm.enable if active else crm.disable)(firm.owner, "attribution")
        with crm.read(firm.viewer) as reader:
            assert [row.id for row in reader.list(Query(Deal))] == seen


def test_a_field_is_closed_until_a_role_opens_it(crm, firm):
    """Invariant 19: what a plugin adds is the owners' alone; a field rule opens it to a role."""
    crm.enable(firm.owner, "attribution")
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, attribution_source="google")])
    with crm.read(firm.seller) as reader:
        assert "attribution_source" not in reader.get(Deal, deal.id).fields
    opened = [{"entity": "deal", "field": "attribution_source", "read": True, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update("role", firm.roles["firm_seller"], field_rules=opened)])
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).attribution_source == "google"
