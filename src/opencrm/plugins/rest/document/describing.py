"""Operations, as the document describes them."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm.plugins.rest.document import refusals
from opencrm.plugins.rest.document.shapes import Shape, reference, written


def operation(  # noqa: PLR0913  # each is a member of the description
    name: str, tag: str, *, summary: str, about: str, good: Shape, refused: Sequence[int], takes: Sequence[Shape] = ()
) -> Shape:
    """Return the description of an operation.

    Args:
        name: Its id, unique in the document.
        tag: The section that it stands in.
        summary: What it does, in a few words.
        about: What else there is to know.
        good: What a success answers with, by status; see `good`.
        refused: The statuses of what goes wrong, beside 401 and what can always happen.
        takes: Its parameters.
    """
    told: Shape = {"operationId": name, "summary": summary, "description": about, "tags": [tag]}
    told |= {"parameters": [*takes]} if takes else {}
    return {**told, "responses": {**good, **refusals.answers(refused)}}


def good(shape: str, *, status: int = 200, headers: Shape | None = None) -> Shape:
    """Return the answer of a success: a named shape."""
    told: Shape = {"description": "Done", "content": {"application/json": {"schema": reference(shape)}}}
    return {str(int(status)): told | ({"headers": headers} if headers else {})}


def acted(shape: str) -> Shape:
    """Return the answer of an act: a named shape, and the header with the act."""
    return good(shape, headers=written(tagged=False))


def nothing(status: int = 204) -> Shape:
    """Return the answer of a success that has no body."""
    return {str(int(status)): {"description": "Done"}}


def body(schema: Shape, example: Shape | None = None) -> Shape:
    """Return what an operation must be sent, as a part of its description."""
    content = {"schema": schema} | ({"example": example} if example is not None else {})
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
