"""Paths to fields: taken apart, and followed."""

from __future__ import annotations

import pytest

from opencrm import Deal
from opencrm.core.entity.paths import head, link_of, parted, target_of


@pytest.mark.parametrize(
    "path, parts, first",
    [
        ("amount", ("", "amount"), "amount"),
        ("contact.name", ("contact", "name"), "contact"),
        ("contact.company.name", ("contact", "company.name"), "contact"),
    ],
)
def test_a_path_is_a_reference_and_a_field(path: str, parts: tuple[str, str], first: str) -> None:
    """Of more than one step the rest is no field, and is refused where it is looked for."""
    assert (parted(path), head(path)) == (parts, first)


@pytest.mark.parametrize("reference", ["contact", "contact_id"])
def test_a_reference_is_named_with_its_ending_or_without(reference: str) -> None:
    assert (link_of(Deal.spec, reference), target_of(Deal.spec, reference)) == ("contact_id", "contact")


@pytest.mark.parametrize("reference", ["", "title", "sailor"])
def test_what_is_no_reference_leads_nowhere(reference: str) -> None:
    assert target_of(Deal.spec, reference) is None
