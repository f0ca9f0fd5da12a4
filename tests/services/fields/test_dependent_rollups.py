"""Roll-ups beside other definitions: what they look at stays, and what was not kept is counted again."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from opencrm import (
    Activity,
    AddedField,
    ConflictError,
    Contact,
    Create,
    CustomField,
    Deal,
    Delete,
    InputError,
    Number,
    Undo,
    Update,
    hookimpl,
    records,
    undoing,
)
from opencrm.embed import definitions
from opencrm.services.definitions import counting
from opencrm.testing import make_activity, make_contact, make_deal

SIZES = {"over": "deal", "by": "contact_id", "measure": "sum", "of": "size"}
CALLS = {"over": "activity", "by": "contact_id", "measure": "count"}


def change(crm, firm, id, **values):
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, id, values=values)])


def value(crm, firm, id, name):
    with crm.read(firm.owner) as reader:
        return reader.get(Contact, id)[name]


@pytest.mark.parametrize("values", [{"key": "length"}, {"retired": True}, {"sensitive": "finance"}, None])
def test_what_a_rollup_looks_at_stays(crm, firm, define, values):
    """Renamed, retired, closed or deleted, it would leave a roll-up that no writer can keep."""
    size = define("deal", "size", "number")
    define("contact", "sizes", "number", rollup=SIZES)
    with pytest.raises(InputError, match=r"the roll-up contact\.sizes needs it"), crm.work(firm.owner) as work:
        if values is None:
            records.delete(work, [Delete(CustomField, size)])
        else:
            records.update(work, [Update(CustomField, size, values=values)])
    one = make_contact(crm)
    make_deal(crm, contact_id=one.id, size=5)
    assert value(crm, firm, one.id, "sizes") == 5


def test_an_option_that_a_rollup_asks_for_stays(crm, firm, define):
    """Its condition could not be read without it."""
    material = define("deal", "material", "choice", choices=["wood", "pvc"])
    where = {"field": "material", "op": "equal", "value": "wood"}
    count = {"over": "deal", "by": "contact_id", "measure": "count", "where": where}
    define("contact", "wooden", "number", rollup=count)
    with pytest.raises(InputError, match=r"the roll-up contact\.wooden needs it"):
        change(crm, firm, material, choices=["pvc"])
    change(crm, firm, material, choices=["wood", "pvc", "steel"])


def test_a_retired_rollup_holds_nothing(crm, firm, define):
    """Without it the field may go; and it cannot come back without the field."""
    size = define("deal", "size", "number")
    sizes = define("contact", "sizes", "number", rollup=SIZES)
    change(crm, firm, sizes, retired=True)
    change(crm, firm, size, retired=True)
    with pytest.raises(InputError) as refused:
        change(crm, firm, sizes, retired=False)
    assert "rollup" in refused.value.fields


def test_a_rollup_of_a_rollup_is_refused(crm, firm, define):
    """Neither measured nor asked for: nothing would tell the second one of the first one's changes."""
    lines = {"over": "deal_line", "by": "deal_id", "measure": "count"}
    define("deal", "positions", "number", rollup=lines)
    where = {"field": "positions", "op": "greater", "value": "1"}
    for more in ({"measure": "sum", "of": "positions"}, {"measure": "count", "where": where}):
        with pytest.raises(InputError, match="roll-up of a roll-up"):
            define("contact", "twice", "number", rollup={"over": "deal", "by": "contact_id", **more})


def test_sixty_rollups_on_one_entity(crm, firm, define):
    """A database takes only so many arguments in one call."""
    for number in range(60):
        define("contact", f"calls_{number}", "number", rollup=CALLS)
    one = make_contact(crm)
    make_activity(crm, contact_id=one.id)
    assert {value(crm, firm, one.id, f"calls_{number}") for number in range(60)} == {1}


def test_a_restored_rollup_is_counted_again(crm, firm, define):
    """What happened while it was retired was not kept; a worker that goes on all the while finds it out."""
    calls = define("contact", "calls", "number", rollup=CALLS)
    one, worker = make_contact(crm), crm.worker()
    make_activity(crm, contact_id=one.id)
    worker.run_once()
    change(crm, firm, calls, retired=True)
    make_activity(crm, contact_id=one.id)
    change(crm, firm, calls, retired=False)
    worker.run_once()
    assert value(crm, firm, one.id, "calls") == 2


def test_what_happened_without_a_plugin_is_counted_when_it_is_back(crm, firm, define):
    """A roll-up that asks for a field of the plugin's is not kept meanwhile."""
    crm.enable(firm.owner, "attribution")
    where = {"not": {"field": "attribution_source", "op": "empty"}}
    count = {"over": "deal", "by": "contact_id", "measure": "count", "where": where}
    define("contact", "ads", "number", rollup=count, sensitive="plugin")
    one, worker = make_contact(crm), crm.worker()
    deal = make_deal(crm, contact_id=one.id, attribution_source="google")
    worker.run_once()
    crm.disable(firm.owner, "attribution")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    crm.enable(firm.owner, "attribution")
    assert value(crm, firm, one.id, "ads") == 1
    worker.run_once()
    assert value(crm, firm, one.id, "ads") == 0


def test_values_that_people_gave_are_not_counted_over(crm, firm, define):
    """A field with values does not become a roll-up."""
    calls = define("contact", "calls", "number")
    make_contact(crm, calls=77)
    with pytest.raises(InputError) as refused:
        change(crm, firm, calls, rollup=CALLS)
    assert "rollup" in refused.value.fields


def test_an_average_is_exact_and_a_sum_that_is_too_large_is_none(crm, firm, define):
    """On both databases alike; the deal is stored all the same."""
    define("deal", "size", "number")
    define("contact", "sizes", "number", rollup=SIZES)
    define("contact", "middle", "number", rollup=SIZES | {"measure": "average"})
    one = make_contact(crm)
    for size in ("99999999999999.9901", "-0.0001", "-0.0001"):
        make_deal(crm, contact_id=one.id, size=size)
    assert value(crm, firm, one.id, "sizes") == Decimal("99999999999999.9899")
    assert value(crm, firm, one.id, "middle") == Decimal("33333333333333.3300")
    for _ in range(12):
        make_deal(crm, contact_id=one.id, size="99999999999999")
    assert value(crm, firm, one.id, "sizes") is None


def test_by_a_reference_of_the_workspaces_own(crm, firm, define):
    """Ids stand in JSON as text."""
    define("deal", "partner", "reference", reference_to="contact")
    define("contact", "brought", "number", rollup={"over": "deal", "by": "partner", "measure": "count"})
    one = make_contact(crm)
    make_deal(crm, partner=one.id)
    assert value(crm, firm, one.id, "brought") == 1


def test_what_another_still_writes_is_waited_for(crm, firm, define, monkeypatch):
    """A transaction from before the roll-up knows nothing of it."""
    if crm.database.sqlite:
        pytest.skip("there, a transaction that writes is alone")
    monkeypatch.setattr(counting, "PATIENCE", 0.2)
    one, begun, go_on = make_contact(crm), threading.Event(), threading.Event()
    calls = define("contact", "calls", "number", rollup=CALLS)
    change(crm, firm, calls, retired=True)

    def write():
        with crm.work(firm.owner) as work:
            begun.set()
            go_on.wait(10)
            records.create(work, [Create(Activity, kind="call", subject="Late", contact_id=one.id)])

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(10)
    change(crm, firm, calls, retired=False)
    configuration = crm.configuration
    with pytest.raises(ConflictError, match="still under way"):
        list(counting.count(crm.workspace, configuration))
    go_on.set()
    thread.join()
    crm.worker().run_once()
    assert value(crm, firm, one.id, "calls") == 1


def test_a_text_with_a_rollup_and_what_it_looks_at(crm, firm):
    """Whatever the order in which they stand there."""
    text = """
        [[fields]]
        entity = "contact"
        key = "sizes"
        kind = "number"
        rollup = {over = "deal", by = "contact_id", measure = "sum", of = "size"}

        [[fields]]
        entity = "deal"
        key = "size"
        kind = "number"
    """
    both = [{**table, "retired": False} for table in definitions.parse(text)]
    for tables, retire in ((both, False), ([], True), (both, False)):
        with crm.work(firm.owner) as work:
            definitions.apply(work, definitions.plan(work, tables, retire=retire))
    one = make_contact(crm)
    make_deal(crm, contact_id=one.id, size=5)
    assert value(crm, firm, one.id, "sizes") == 5


def test_a_contact_with_a_rollup_is_undone_like_any_other(crm, firm, define):
    """What was counted meanwhile is nobody's change."""
    define("contact", "calls", "number", rollup=CALLS)
    with crm.work(firm.owner) as work:
        [made] = records.create(work, [Create(Contact, name="Ann")])
    make_activity(crm, contact_id=made.record_id)
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=made.act)])
    with crm.work(firm.owner) as work:
        assert made.record_id not in work.states(work.entity(Contact), [made.record_id])


class Sizes:
    """A plugin that measures deals."""

    name = "sizes"

    @hookimpl
    def opencrm_register_fields(self):
        yield AddedField(entity="deal", name="sizes_own", type=Number())


class TestWithoutThePlugin:
    """A roll-up over a field that a plugin brings."""

    @pytest.fixture
    def crm_plugins(self):
        return [Sizes()]

    def test_the_workspace_goes_on(self, crm, firm, define, another):
        """It is not kept meanwhile."""
        define("contact", "sizes", "number", rollup=SIZES | {"of": "sizes_own"}, sensitive="plugin")
        one = make_contact(crm)
        make_deal(crm, contact_id=one.id, sizes_own=5)
        make_deal(another, contact_id=one.id)
        assert value(crm, firm, one.id, "sizes") == 5
