"""The error tree: every class has its own stable code, a line in the reference and a place at each border."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from opencrm import errors
from opencrm.cli.border import exit_code
from opencrm.rest import problem_of

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
CLASSES = [
    it for _, it in inspect.getmembers(errors, inspect.isclass) if issubclass(it, errors.OpenCRMError)
]  # fmt: skip
MADE = {
    errors.InputError: lambda: errors.InputError({"title": ["is required"]}),
    errors.SortNotIndexed: lambda: errors.SortNotIndexed({"sort": ["has no index"]}),
    errors.TooManyRows: lambda: errors.TooManyRows({"group_by": ["gives too many rows"]}),
    errors.PluginError: lambda: errors.PluginError("x", plugin="p"),
    errors.PermissionDenied: lambda: errors.PermissionDenied("x", principal="p", action="a", reason="r"),
    errors.NotSignedIn: lambda: errors.NotSignedIn("x", principal="p", action="a", reason="r"),
}


def made(kind: type[errors.OpenCRMError]) -> errors.OpenCRMError:
    return MADE.get(kind, lambda: kind("x"))()


@pytest.fixture(params=CLASSES, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> type[errors.OpenCRMError]:
    found: type[errors.OpenCRMError] = request.param
    return found


def test_every_class_has_its_own_code(kind: type[errors.OpenCRMError]):
    """No two share one, and none inherits its parent's."""
    assert "code" in vars(kind)
    assert [other for other in CLASSES if other.code == kind.code] == [kind]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)


def test_every_class_is_in_the_reference_as_the_borders_show_it(kind: type[errors.OpenCRMError]):
    """Code, REST status and exit code stand in one line of the table, and a paragraph explains it."""
    error = made(kind)
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind.__name__}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == f"`{kind.code}`"
    assert cells[2].startswith(str(int(problem_of(error).status)))
    assert cells[3] == str(exit_code(error))
    assert f"\n## {kind.__name__}\n" in PAGE


def test_every_class_is_at_the_front_door(kind: type[errors.OpenCRMError]):
    """Whoever catches it imports it from `opencrm`."""
    import opencrm

    assert getattr(opencrm, kind.__name__) is kind


def test_every_error_has_a_message_and_details_for_json(kind: type[errors.OpenCRMError]):
    """Nothing in the details is an object of ours."""
    import orjson

    error = made(kind)
    assert str(error)
    orjson.dumps(error.details)


def test_a_conflict_with_a_condition_is_a_failed_precondition():
    """RFC 9110 tells 412 from 409."""
    assert problem_of(errors.ConflictError("x"), conditional=True).status == 412
