"""What goes wrong, as the document tells it: a response for each status, with an example of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from opencrm.plugins.rest.document.shapes import TEXT, Shape, list_of, object_of, reference
from opencrm.rest import Problem

_REASON = 'rule "rank": Senior manager is not of lower rank than what you are as Senior manager in North'
_OUT_OF_RANK = Problem(
    status=403,
    code="permission_denied",
    detail=f"you may not do this: membership.create ({_REASON})",
    members={"rule": "rank", "details": {"action": "membership.create", "reason": _REASON, "rule": "rank"}},
)
"""What delegation refuses names the rule."""

_PRICE: Mapping[str, Any] = MappingProxyType(
    {
        "key": "price",
        "label": "Price",
        "schema": {"type": "object", "properties": {"amount": {"title": "Amount"}}, "required": ["amount"]},
    }
)
"""A form that asks for what is missing."""

_EXAMPLES: Mapping[str, tuple[str, tuple[Problem, ...]]] = MappingProxyType(
    {
        "NotSignedIn": (
            "No token, or one that is unknown, expired or revoked",
            (Problem(status=401, code="not_signed_in", detail="send a token: Authorization: Bearer opencrm_..."),),
        ),
        "PermissionDenied": (
            "You may know of the record, and may not do this",
            (
                Problem(
                    status=403,
                    code="permission_denied",
                    detail="you may not do this: deal.update (no grant of deal.update reaches the record)",
                    members={
                        "details": {"action": "deal.update", "reason": "no grant of deal.update reaches the record"}
                    },
                ),
                _OUT_OF_RANK,
            ),
        ),
        "NotFound": (
            "There is nothing, or nothing that you may know of",
            (Problem(status=404, code="not_found", detail="there is nothing at this address"),),
        ),
        "NotAcceptable": (
            "Nothing here writes a file that `Accept` lets pass",
            (Problem(status=406, code="not_acceptable", detail="an export is one of text/csv"),),
        ),
        "Refused": (
            "The rules of the business refuse it, or somebody else was changing the same records",
            (
                Problem(status=409, code="refused", detail="the records that belong to it do not allow this"),
                Problem(status=409, code="duplicate", detail="another record has the same email"),
                Problem(status=409, code="objected", detail="a deal without an amount cannot be won"),
                Problem(status=409, code="invalid_move", detail="pipeline 'sales' has no move from 'new' to 'won'"),
                Problem(
                    status=409,
                    code="undo_refused",
                    detail="changed since: title; perhaps it was undone already",
                ),
                Problem(status=409, code="conflict", detail="somebody else was changing the same records; try again"),
            ),
        ),
        "Changed": (
            "The record changed since it had the tag of `If-Match`",
            (Problem(status=412, code="conflict", detail="somebody else changed this deal since you read it"),),
        ),
        "Unusable": (
            "A field or a parameter cannot be used; `errors` says which and why",
            (
                Problem(
                    status=422,
                    code="invalid_input",
                    detail="title: is required",
                    members={"errors": {"title": ["is required"]}},
                ),
                Problem(
                    status=422,
                    code="requirement_missing",
                    detail="missing: the price",
                    members={"missing": [{"text": "the price", "form": dict(_PRICE)}]},
                ),
            ),
        ),
        "TooMany": (
            "It was tried too often; `Retry-After` says in how many seconds it may be tried again",
            (
                Problem(
                    status=429,
                    code="too_many_attempts",
                    detail="too many attempts: try again in 840 seconds",
                    members={"details": {"action": "sign in", "reason": "too many attempts", "retry_after": 840}},
                ),
            ),
        ),
        "Problem": (
            "Anything else that goes wrong",
            (Problem(status=500, code="internal", detail="something inside went wrong; the log has the reason"),),
        ),
    }
)


def schemas() -> Shape:
    """Return the named shape of what goes wrong."""
    problem = {
        "type": {**TEXT, "format": "uri-reference"},
        "title": TEXT,
        "status": {"type": "integer"},
        "code": {**TEXT, "description": "Stable name of the kind of problem"},
        "detail": TEXT,
        "errors": {"type": "object", "additionalProperties": list_of(TEXT)},
        "rule": {**TEXT, "description": "The rule that refuses it, where one has a name"},
        "missing": {**list_of(reference("Missing")), "description": "What is asked for before it can be done"},
        "details": {"type": "object"},
    }
    return {"Problem": object_of(problem, "detail", "errors", "rule", "missing", "details")}


def responses() -> dict[str, Shape]:
    """Return the named responses."""
    return {name: _response(text, problems) for name, (text, problems) in _EXAMPLES.items()}


def answers(statuses: Iterable[int] = ()) -> Shape:
    """Return the responses of an operation that may be refused with these statuses, or for want of a token."""
    named = {int(problems[0].status): name for name, (_, problems) in _EXAMPLES.items()}
    chosen: dict[str, Any] = {str(status): _reference(named[status]) for status in sorted({401, *statuses})}
    return {**chosen, "default": _reference("Problem")}


def _response(text: str, problems: Iterable[Problem]) -> Shape:
    examples = {problem.members.get("rule", problem.code): {"value": problem.body()} for problem in problems}
    content = {"schema": reference("Problem"), "examples": examples}
    return {"description": text, "content": {"application/problem+json": content}}


def _reference(name: str) -> Shape:
    return {"$ref": f"#/components/responses/{name}"}
