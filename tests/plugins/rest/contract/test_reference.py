"""The reference of REST is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

import opencrm.rest
from opencrm import errors
from opencrm.embed import QUERY_OPERATORS
from opencrm.plugins.rest.document.operations import OPERATIONS

PAGE = Path(__file__).parents[4] / "docs/reference/rest.md"


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_address_is_there(page, operation):
    assert f"| `{operation.method.upper()} /api/v1/deals{operation.path}` |" in page


@pytest.mark.parametrize("operator", QUERY_OPERATORS)
def test_every_operator_is_there(page, operator):
    assert f"`{operator}`" in page


def test_every_code_is_there(page):
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert not [each.code for each in classes if each is not errors.OpenCRMError and f"`{each.code}`" not in page]


@pytest.mark.parametrize("name", opencrm.rest.__all__)
def test_every_name_of_the_door_is_there(page, name):
    assert f"`{name}" in page
