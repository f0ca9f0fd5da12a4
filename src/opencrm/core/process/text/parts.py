"""What tasks and actions are made of, in writing: constants, values, durations, people and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import attrs

from opencrm.core.process.asking.forms import Form
from opencrm.core.process.selectors import Creator, HeadOf, Owner, Person, Pick, Strategy
from opencrm.core.process.text.kinds import Filter, Kind, Named, Off, OneOf, Scalar, Several, Text, plain_scalar
from opencrm.core.process.text.places import Place
from opencrm.core.process.text.tables import Choice, Later, Table
from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.process.values import By, Value, length, path, places

TEXT = Text()
TEXTS = Several(TEXT)
LENGTH = Text(length, "1d")
PATH = Text(path, "contact.source")
PLACED = Text(places, "Call {contact.name}")
FLAG = Scalar(bool, "true or false")
WHOLE = Scalar(int, "a whole number")
CONDITION = Filter()

DURATION = Choice(
    {
        "by": Table(
            By,
            {"field": PATH, "cases": Named(LENGTH), "otherwise": LENGTH},
            word="by",
            sample='{by = "source", cases = {fair = "15m"}, otherwise = "1d"}',
        )
    },
    text=LENGTH,
)

SELECTOR: Choice = Choice(
    {
        "person": Table(Person, {"email": TEXT}, word="person", sample='{person = "ann@example.com"}'),
        "head_of": Table(HeadOf, {"of": Later(lambda: SELECTOR)}, word="head_of", sample='{head_of = "owner"}'),
        "pick": Table(
            Pick,
            {"role": TEXT, "within": TEXT, "strategy": OneOf(get_args(Strategy))},
            word="pick",
            sample='{pick = "seller"}',
        ),
    },
    words={"owner": Owner(), "creator": Creator()},
)

FORM = Table(Form, {"key": TEXT, "fields": TEXTS, "of": TEXT, "many": FLAG, "optional": TEXTS, "label": TEXT})

_OF_CALENDARS: Mapping[str, Kind] = {"days": Named(Off())}
CALENDAR = Table(
    Calendar, {each.name: _OF_CALENDARS.get(each.name, TEXT) for each in attrs.fields(Calendar) if each.init}
)

VALUE = Table(Value, {"path": PATH}, word="value", sample='{value = "contact_id"}')


@attrs.frozen
class Constant:
    """What a field is set to: a constant, several of them, another field's value, or nothing."""

    def read(self, raw: Any, at: Place) -> Any:
        if raw == {"empty": True}:
            return None
        if isinstance(raw, Mapping) and "value" in raw:
            return VALUE.read(raw, at)
        if isinstance(raw, Mapping):
            raise at.fault('must be a constant, {value = "field"} or {empty = true}')
        if isinstance(raw, list | tuple):
            return [self._scalar(each, at.item(index)) for index, each in enumerate(raw)]
        return self._scalar(raw, at)

    def write(self, item: Any) -> Any:
        if item is None:
            return {"empty": True}
        if isinstance(item, Value):
            return VALUE.write(item)
        return [plain_scalar(each) for each in item] if isinstance(item, list | tuple) else plain_scalar(item)

    def _scalar(self, raw: Any, at: Place) -> Any:
        if isinstance(raw, str):
            return PLACED.read(raw, at)
        with at.told():
            return plain_scalar(raw)


VALUES = Named(Constant())
