"""Why a record is lost: the reasons that a stage of kind `lost` knows, each with what a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.core.conditions import In
from opencrm.core.pipeline.requirements import Requirement
from opencrm.core.process.asking.forms import Form

REASON = "lost_reason"
"""The field of a record that says why it was lost: the key of a reason, or a text where its stage knows none."""
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LONGEST_LABEL = 200


@attrs.frozen
class ChoiceForm(Form):
    """A form that asks for one of several things.

    Attributes:
        options: What a person reads, by what is kept.
    """

    options: Mapping[str, str] = attrs.field(factory=dict, hash=False, kw_only=True)


def reasons(given: Mapping[Any, Any]) -> Mapping[str, str]:
    """Return the reasons of a stage, after checking them.

    Raises:
        ValueError: A key cannot be one, or a label is empty.
    """
    if not isinstance(given, Mapping):
        raise ValueError("reasons: must be keys, each with what a person reads")
    for key, label in given.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise ValueError(f"reasons: {key!r} is no key such as 'price'")
        if not isinstance(label, str) or not 0 < len(label.strip()) <= _LONGEST_LABEL:
            raise ValueError(f"reasons: {key}: a person reads at most {_LONGEST_LABEL} characters, and at least one")
    return MappingProxyType({key: label.strip() for key, label in given.items()})


def one_of(given: Mapping[str, str]) -> Requirement:
    """Return what a stage with these reasons requires of whoever brings a record there."""
    form = ChoiceForm(REASON, (REASON,), options=given)
    return Requirement(In(REASON, tuple(given)), missing="lost reason", form=form)


def unknown(given: Mapping[str, str], value: object) -> str | None:
    """Say what is wrong with a reason that is given; None with one that is known, and with none at all."""
    if value is None or value in given:
        return None
    return f"{value!r} is none of {', '.join(given)}"


def label_of(several: Iterable[Mapping[str, str]], value: str) -> str:
    """Return what a person reads of a reason: the label of the first that know it, else the reason itself.

    Args:
        several: The reasons of stages, those that are asked first come first.
        value: What the record has.
    """
    return next((reasons[value] for reasons in several if value in reasons), value)
