"""What authors of routes get from `opencrm.rest`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from marshmallow import ValidationError

import opencrm.rest
from opencrm import Contact, Deal, InputError, PluginError, Task, errors
from opencrm.core.entities import Core
from opencrm.embed import Locale, Schemas, specs
from opencrm.rest import creation_schema, problem_of, record_schema, update_schema

SCHEMAS = Schemas({spec.name: spec for spec in specs(Core)}, Locale())


def test_the_door_is_exactly_all():
    """A name that routes rely on does not go unnoticed."""
    assert opencrm.rest.__all__ == [
        "DeclaredField",
        "Problem",
        "RecordSchema",
        "creation_schema",
        "etag",
        "form_schema",
        "problem_of",
        "record_schema",
        "update_schema",
    ]
    assert all(hasattr(opencrm.rest, name) for name in opencrm.rest.__all__)


def test_a_schema_loads_what_the_declaration_says():
    """Text becomes what the field holds."""
    loaded = creation_schema(Deal.spec)().load({"title": " Windows", "amount": "12.5", "expected_close": "2026-03-02"})
    assert (loaded["amount"], loaded["expected_close"]) == (Decimal("12.5"), date(2026, 3, 2))


@pytest.mark.parametrize(
    "spec, raw",
    [
        (Deal.spec, {"title": "x" * 201, "amount": "much", "wings": 2, "closed_at": "2026-03-02T09:00:00Z"}),
        (Deal.spec, {"title": "a\0b", "currency": "XXQ", "contact_id": "7", "amount_from": "air"}),
        (Contact.spec, {"name": "Carla", "birthday": "yesterday", "owner_id": 7}),
        (Task.spec, {"title": "Call", "state": "never", "due_at": "2026-03-02T09:00:00"}),
    ],
)
def test_a_schema_and_the_write_path_name_the_same_fields(spec, raw):
    """What marshmallow refuses, opencrm's own loader refuses, with the same words where a value is wrong."""
    with pytest.raises(ValidationError) as by_marshmallow:
        creation_schema(spec)().load(raw)
    with pytest.raises(InputError) as by_opencrm:
        SCHEMAS.load(spec, raw)
    found = by_marshmallow.value.messages
    assert set(found) == set(by_opencrm.value.fields)
    for name, texts in found.items():
        assert texts == by_opencrm.value.fields[name] or texts == ["is not a field here"]


def test_a_schema_dumps_what_json_carries():
    """As REST does; what is not there is left out."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    dumped = record_schema(Deal.spec)().dump({"id": "1", "amount": Decimal("12.5"), "created_at": at, "source": None})
    assert dumped == {"id": "1", "amount": "12.50", "created_at": "2026-03-02T09:00:00Z", "source": None}


def test_an_update_names_some_fields():
    """Nothing is required; what another act changes is no field."""
    assert update_schema(Deal.spec)().load({"source": ""}) == {"source": None}
    with pytest.raises(ValidationError):
        update_schema(Deal.spec)().load({"stage": "won"})


@pytest.mark.parametrize(
    "error, status",
    [
        (errors.InputError({"title": ["is required"]}), 422),
        (errors.NotSignedIn("x", principal="x", action="x", reason="x"), 401),
        (errors.PermissionDenied("x", principal="x", action="x", reason="x"), 403),
        (errors.NotFound("x"), 404),
        (errors.DomainError("x"), 409),
        (errors.InvalidMove("x"), 409),
        (errors.Objected("x"), 409),
        (errors.Duplicate("x"), 409),
        (errors.UndoRefused("x"), 409),
        (errors.ConflictError("x"), 409),
        (errors.ConfigurationError("x"), 503),
        (errors.PluginError("x", plugin="p"), 503),
        (errors.OpenCRMError("x"), 500),
    ],
)
def test_each_error_has_its_status_and_code(error, status):
    problem = problem_of(error)
    assert (problem.status, problem.code) == (status, type(error).code)


def test_every_error_of_the_tree_is_mapped():
    """A new class of errors that nobody mapped would be a 500."""
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    for cls in [each for each in classes if each is not errors.OpenCRMError]:
        error = cls.__new__(cls)
        Exception.__init__(error, "x")
        error.details, error.fields, error.plugin = {}, {}, "p"
        assert problem_of(error).status != 500, cls


def test_a_conflict_with_if_match_is_a_failed_precondition():
    assert problem_of(errors.ConflictError("x"), conditional=True).status == 412


def test_an_error_inside_keeps_its_words():
    """A stranger learns the plugin's name at most."""
    assert "secret" not in str(problem_of(PluginError("a secret", plugin="p")).body())
    assert "secret" not in str(problem_of(errors.ConfigurationError("a secret")).body())
