"""What a form never fills in and its record requires: told at once, and what is sent is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import pytest
from sqlalchemy.orm import Mapped

from opencrm import (
    CRM,
    Amount,
    Contact,
    Entity,
    InputError,
    Options,
    Owned,
    Pipeline,
    Reference,
    Rule,
    Staged,
    Text,
    WebForm,
    create,
    created,
    field,
    hookimpl,
)
from opencrm.services.definitions.process import planning, text
from opencrm.services.process.submitting.forms import Given
from opencrm.services.process.submitting.keeping import Submission
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, inbox

Send = Callable[..., Submission]
AllOf = Callable[..., list[Record]]
ANN = {"name": "Ann", "phone": "020 7183 8750"}


class Base(Entity, prefix="help"):
    """The help desk's own entities."""


class Ticket(Staged, Owned, Base):
    """Something that does not work."""

    options = Options(display="name")
    name: Mapped[str] = field(Text(200), required=True)
    worth: Mapped[Decimal | None] = field(Amount())
    contact_id: Mapped[str | None] = field(Reference(Contact))


class Repair(Staged, Owned, Base):
    """Something that is to be mended, by its serial number."""

    options = Options(display="name")
    name: Mapped[str] = field(Text(200), required=True)
    serial: Mapped[str] = field(Text(20), required=True)
    contact_id: Mapped[str | None] = field(Reference(Contact))


class Part(Owned, Base):
    """Something that is needed for it."""

    name: Mapped[str] = field(Text(20), required=True)
    serial: Mapped[str | None] = field(Text(5))
    repair_id: Mapped[str | None] = field(Reference(Repair))


PIPELINES = [Pipeline(key, ["new"], moves=set(), entity=f"help_{key[:-1]}") for key in ("tickets", "repairs")]
FORMS = [
    WebForm("ticket", ["name", "phone"], pipeline="tickets", title="{name}"),
    WebForm("priced", ["phone", "worth"], pipeline="tickets"),
    WebForm("repair", ["name", "phone"], pipeline="repairs"),
    WebForm("numbered", ["name", "phone", "serial"], pipeline="repairs", optional=["serial"]),
    WebForm("mend", ["phone"], pipeline="mending"),
    WebForm("part", ["message"], about="help_repair", of="help_part"),
]


class Desk:
    """A plugin whose forms make records of its own."""

    name = "help"

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield from (Ticket, Repair, Part)

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield from PIPELINES

    @hookimpl
    def opencrm_register_forms(self) -> Iterator[WebForm]:
        yield from FORMS

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("help_part", on=created(Repair), do=[create(Part, name="Lid", serial="{serial}")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Desk()]


def test_what_no_answer_fills_in_is_told(crm: CRM) -> None:
    """Of what a form makes: not what its title, its values, its place or an answer gives."""
    told = crm.problems()["help"]
    assert "form 'repair': it never fills in help_repair.serial, which is required" in told
    assert "form 'part': it never fills in help_part.name, which is required" in told
    assert [key for key in ("ticket", "priced", "numbered") if f"'{key}'" in told] == []


def test_the_plan_of_its_pipeline_tells_it(crm: CRM, firm: Firm) -> None:
    toml = """
    [[pipelines]]
    key = "mending"
    entity = "help_repair"
    stages = [{key = "new"}, {key = "done", kind = "won"}]
    moves = [["new", "done"]]
    """
    with crm.work(firm.owner) as work:
        warnings = planning.rehearse(work, "pipelines", text.parse(toml, "pipelines")).warnings
    assert [it for it in warnings if it.startswith("mending: form 'mend': it never fills in help_repair.serial,")]


def test_the_title_names_a_record_whose_name_it_is(send: Send, all_of: AllOf) -> None:
    """The visitor's own name is the contact's."""
    send("ticket", **ANN)
    assert [it.name for it in (*all_of(Ticket), *all_of(Contact))] == ["Ann", "Ann"]


def test_what_the_visitor_cannot_give_is_no_fault_of_theirs(crm: CRM, firm: Firm, all_of: AllOf) -> None:
    """They are thanked, what they sent is kept, and the owners are told."""
    token = crm.forms.describe("repair").token
    crm.advance("1m")
    assert crm.forms.receive("repair", Given(answers=ANN, token=token)).thanks
    [kept] = crm.forms.refused(firm.owner)
    assert (dict(kept.values), kept.error) == (ANN | {"phone": kept.values["phone"]}, "serial: is required")
    assert (all_of(Repair), [it.name for it in all_of(Contact)]) == ([], ["Ann"])
    assert inbox(crm, firm.owner) == ["Repair: what was sent of Ann is kept, and has to be seen to by hand"]


def test_what_the_visitor_can_give_goes_back_to_them(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    with pytest.raises(InputError) as caught:
        send("numbered", **ANN)
    assert caught.value.fields == {"serial": ["is required"]}
    assert (crm.forms.refused(firm.owner), all_of(Contact)) == ([], [])


def test_a_fault_of_a_rule_is_not_theirs_though_the_field_is_called_the_same(
    crm: CRM, firm: Firm, send: Send, all_of: AllOf
) -> None:
    assert send("numbered", **ANN, serial="A 1").error is None
    sent = send("numbered", name="Bob", phone="020 7183 8751", serial="A 123456")
    assert "serial" in str(sent.error)
    assert (len(all_of(Repair)), len(crm.forms.refused(firm.owner))) == (1, 1)
