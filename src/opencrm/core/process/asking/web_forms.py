"""Forms that strangers fill in, on a web site or by a link: what is asked for, and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import attrs

from opencrm.core.process.asking.forms import names
from opencrm.core.process.selectors import Selector, selector
from opencrm.core.process.values import places

NAMES = ("name", "first_name", "last_name")
"""What a form asks for that names a person."""
POINTS = ("email", "phone", "messenger", "address")
"""What a form asks for that is a way to reach a person."""
MESSAGE = "message"
"""What a form asks for that becomes the text of an activity."""
TRAP = "fax_number"
"""A field that no person sees: whoever fills it in is a program."""
MARKS = ("source", "medium", "campaign", "content", "term", "referrer", "landing")
"""What is known of the way by which somebody came."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MOST = 50
_PLACE = frozenset({"pipeline", "stage"})


def _key(_owner: object, _attribute: object, given: str) -> None:
    if not _KEY.fullmatch(given):
        raise ValueError(f"key: {given!r} is not made of small letters, digits and _")


def _origin(text: str) -> str:
    """Return where a page may stand that carries the form, as browsers name it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"origins: {text!r} is no origin such as https://www.example.com")
    return text.lower()


def _origins(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_origin, names(given)))


def _mapping(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(given))


def _maybe_selector(given: Selector | None) -> Selector | None:
    return None if given is None else selector(given)


@attrs.frozen
class WebForm:
    """A form for people who are no users: on its own page, in a page of yours, or by JSON.

    With `pipeline` it is a request: whoever sends it is recognised by e-mail address or phone number, else becomes a
    contact; it goes to their open record in that pipeline, as an activity, else becomes a new one in the first stage.
    With `about` it tells of a record that is there, and is taken only by a signed link or from whoever may change it.

    Args:
        key: Stable name, unique in a workspace; rules listen to it with `submitted("request")`.
        fields: What is asked for, in order. Of a request `name`, `first_name`, `last_name`, `email`, `phone`,
            `messenger` and `address` are the contact's, and `message` is an activity's text; all others are fields of
            the record.
        pipeline: The pipeline of requests.
        stage: Where new requests stand at once, by default in the pipeline's first stage: an emergency, for which
            somebody is called at night, too, goes into a stage whose tasks have another calendar.
        about: The entity of the records that it tells of.
        of: Name of another entity: what is sent makes a record of it that refers to the one that it is about.
        optional: Which of the fields may be left empty.
        title: What names the new record; places are fields of the form.
        label: What a person reads above it.
        labels: What a person reads beside fields, where it is not the fields' own label.
        thanks: What a person reads once it is sent.
        consent: What a person must agree to; kept with what they send.
        origins: The web sites whose pages may carry it, such as `"https://www.example.com"`.
        values: Values of the new record that nobody is asked for.
        unit: Name of the unit to which what it makes belongs; by default the owner's, or the company.
        owner: Who is responsible for what it makes; by default nobody.
        seconds: How long a person takes to fill it in at least; what comes sooner is refused.
        most: How often it may be sent from one address in ten minutes.

    Raises:
        ValueError: An argument cannot be used; the message names it.
    """

    key: str = attrs.field(validator=_key)
    fields: tuple[str, ...] = attrs.field(converter=names)
    pipeline: str | None = attrs.field(default=None, kw_only=True)
    stage: str | None = attrs.field(default=None, kw_only=True)
    about: str | None = attrs.field(default=None, kw_only=True)
    of: str | None = attrs.field(default=None, kw_only=True)
    optional: tuple[str, ...] = attrs.field(default=(), converter=names, kw_only=True)
    title: str | None = attrs.field(default=None, kw_only=True)
    label: str = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True),
    )
    labels: Mapping[str, str] = attrs.field(factory=dict, converter=_mapping, hash=False, kw_only=True)
    thanks: str = attrs.field(default="Thank you. We will be in touch soon.", kw_only=True)
    consent: str | None = attrs.field(default=None, kw_only=True)
    origins: tuple[str, ...] = attrs.field(default=(), converter=_origins, kw_only=True)
    values: Mapping[str, Any] = attrs.field(factory=dict, converter=_mapping, hash=False, kw_only=True)
    unit: str | None = attrs.field(default=None, kw_only=True)
    owner: Selector | None = attrs.field(default=None, converter=_maybe_selector, kw_only=True)
    seconds: int = attrs.field(default=2, validator=attrs.validators.ge(0), kw_only=True)
    most: int = attrs.field(default=20, validator=attrs.validators.ge(1), kw_only=True)

    def __attrs_post_init__(self) -> None:
        wrong = next(self._wrong(), None)
        if wrong is not None:
            raise ValueError(f"form {self.key!r}: {wrong}")

    def _wrong(self) -> Iterator[str]:
        if (self.pipeline is None) == (self.about is None):
            yield "pipeline: it is either for requests in a pipeline, or about a record"
        if self.stage is not None and self.pipeline is None:
            yield "stage: only a form for requests in a pipeline puts them into a stage"
        for name in _PLACE & self.values.keys():
            yield f"values: where new requests stand is said by pipeline= and stage=, not by {name!r}"
        if self.of is not None and self.about is None:
            yield "of: only a form about a record makes records that refer to it"
        if not 0 < len(self.fields) <= _MOST or len(set(self.fields)) < len(self.fields):
            yield f"fields: it asks for 1 to {_MOST} fields, each once"
        for name in self.fields:
            if not _KEY.fullmatch(name) or name == TRAP:
                yield f"fields: {name!r} cannot be asked for"
        yield from self._wrong_names()
        if self.pipeline is not None and not {"email", "phone"} & set(self.fields):
            yield "fields: ask for email or phone, by which people are recognised"

    def _wrong_names(self) -> Iterator[str]:
        placed = () if self.title is None else places(self.title)
        for argument, given in (("optional", self.optional), ("labels", self.labels), ("title", placed)):
            for name in given:
                if name not in self.fields:
                    yield f"{argument}: it does not ask for {name!r}"

    def is_required(self, name: str) -> bool:
        """Say whether a field must be filled in."""
        return name not in self.optional
