"""Texts stay sentences, whatever is left out of them."""

from __future__ import annotations

import pytest

from opencrm.services.notifying.sensible import HIDDEN, NOTHING, sensible

ALL = {"title": "Doors", "amount": "4800", "currency": "EUR", "contact.name": "Maria Lopez"}


@pytest.mark.parametrize(
    "template, hidden, text",
    [
        ("Overdue: {title}", (), "Overdue: Doors"),
        ("Overdue: {title}", ("title",), "Overdue"),
        ("{title}", ("title",), NOTHING),
        ("{title}, {amount} {currency}", ("amount",), "Doors"),
        ("{title}: {amount}", ("title",), "4800"),
        ("The contract for {contact.name} is ready", ("contact.name",), f"The contract for {HIDDEN} is ready"),
        ("Order – {title} - {amount}", ("title", "amount"), "Order"),
        ("No place at all", (), "No place at all"),
    ],
)
def test_what_is_hidden_leaves_a_sentence(template: str, hidden: tuple[str, ...], text: str) -> None:
    assert sensible(template, {path: None if path in hidden else value for path, value in ALL.items()}) == text


def test_what_is_empty_is_nothing_hidden() -> None:
    assert sensible("Call {contact.name}", {"contact.name": ""}) == "Call"
