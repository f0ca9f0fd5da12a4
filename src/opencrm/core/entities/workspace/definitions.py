"""What a workspace defines for itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm.core.custom import KINDS, check_former, check_options
from opencrm.core.entities.base import Core
from opencrm.core.entity import Options
from opencrm.core.fields import Choice, Key, Structured, Text, Whole, YesNo, field
from opencrm.core.fields.rollups import check_rollup
from opencrm.core.locale import Locale
from opencrm.errors import InputError

_NOT_COMPUTED: Mapping[str, str] = MappingProxyType(
    {"required": "nobody fills it in", "searchable": "search does not follow what is computed"}
)
"""What a roll-up cannot be, and why."""


_NOT_INDEXED: Mapping[str, str] = MappingProxyType(
    {
        "long_text": "it cannot be sorted by",
        "choices": "it cannot be sorted by",
        "link": "it may be too long for an index",
    }
)
"""Which kinds have no index to sort by, and why."""


def _consistent(values: dict[str, Any], _locale: Locale) -> None:
    """Refuse options and targets where the kind has none, and their absence where it needs them."""
    kind = values.get("kind")
    for name, kinds in (("choices", ("choice", "choices")), ("reference_to", ("reference",))):
        if kind in kinds and not values.get(name):
            raise InputError({name: [f"is required for a field of kind {kind}"]})
        if kind is not None and kind not in kinds and values.get(name):
            raise InputError({name: [f"is not for a field of kind {kind}"]})
    for name, why in _NOT_COMPUTED.items():
        if values.get("rollup") is not None and values.get(name):
            raise InputError({name: [f"is not for a roll-up: {why}"]})
    if kind in _NOT_INDEXED and values.get("indexed"):
        raise InputError({"indexed": [f"is not for a field of kind {kind}: {_NOT_INDEXED[str(kind)]}"]})


class CustomField(Core):
    """A field that a workspace adds to an entity."""

    options = Options(
        organisation=True,
        display="label",
        unique=(("entity", "key"),),
        lookup=("key",),
        derive=_consistent,
    )

    entity: Mapped[str] = field(Key(100), required=True, help="The entity's name, such as deal.")
    key: Mapped[str] = field(Key(40), label="Name", required=True, help="In REST, files and conditions.")
    label: Mapped[str] = field(Text(200, folded=True), required=True)
    kind: Mapped[str] = field(Choice(KINDS), required=True)
    choices: Mapped[Any] = field(Structured(check_options), label="Options")
    reference_to: Mapped[str | None] = field(Key(100), label="Refers to", help="An entity's name.")
    rollup: Mapped[Any] = field(
        Structured(check_rollup), label="Computed of", help="over, by, measure, of, where: what opencrm computes it of."
    )
    required: Mapped[bool] = field(YesNo(), required=True, default=False)
    searchable: Mapped[bool] = field(YesNo(), required=True, default=False)
    indexed: Mapped[bool] = field(YesNo(), label="Fast to sort by", required=True, default=False)
    sensitive: Mapped[str | None] = field(Key(40), help="Closes the field to roles without a field rule for it.")
    help: Mapped[str | None] = field(Text(500))
    position: Mapped[int] = field(Whole(0, 100_000), required=True, default=0)
    retired: Mapped[bool] = field(YesNo(), required=True, default=False)
    former: Mapped[Any] = field(Structured(check_former), label="Former names", changed_by="system", settable=False)
