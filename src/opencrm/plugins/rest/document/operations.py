"""What can be done with records over REST, as data: the OpenAPI document is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from opencrm.embed import Spec

Answer: TypeAlias = Literal["record", "record or nothing", "page", "nothing", "history", "moves", "file"]


def _always(_spec: Spec) -> bool:
    return True


def _made_alone(spec: Spec) -> bool:
    """Say whether records are made by naming their fields; a file is made of what it holds."""
    return spec.name not in ("file", "file_version")


def _staged(spec: Spec) -> bool:
    return spec.staged


def _owned(spec: Spec) -> bool:
    return spec.owned


@attrs.frozen
class Operation:
    """One operation on the records of an entity.

    Args:
        name: Name of the operation, unique for an entity.
        method: The HTTP method.
        path: What follows the entity's address.
        text: What it does; `{one}` and `{many}` stand for the entity.
        about: What else there is to know, in a sentence or two.
        answer: What a success answers with.
        status: The status of a success.
        takes: Name of the schema of the body: the entity's own `create` or `update`, or an act's.
        matches: Whether it heeds `If-Match`.
        refusals: The statuses of what goes wrong, beside 401 and what can always happen.
        when: Which entities have it.
    """

    name: str
    method: str
    path: str
    text: str
    about: str
    answer: Answer
    status: int = attrs.field(default=200, kw_only=True)
    takes: str | None = attrs.field(default=None, kw_only=True)
    matches: bool = attrs.field(default=False, kw_only=True)
    refusals: tuple[int, ...] = attrs.field(default=(), kw_only=True)
    when: Callable[[Spec], bool] = attrs.field(default=_always, kw_only=True)

    @property
    def of_one(self) -> bool:
        """Whether it is about one record, named by its id."""
        return self.path.startswith("/{id}")


_MATCHED = "With `If-Match` it is done only if nobody changed the record since you read it."

OPERATIONS = (
    Operation(
        "list",
        "get",
        "",
        "List {many}",
        "One page of what you may read. For the next one ask again with `cursor` and everything else the same.",
        "page",
        refusals=(422,),
    ),
    Operation(
        "export",
        "post",
        "/export",
        "Export {many} to a file",
        "All that the list holds and that you may export, with the fields that you may read. `format` says the kind of "
        "file, else `Accept` does, else it is CSV, in which text that a spreadsheet would run is made harmless. The "
        "journal tells who took out what, before the file leaves. The request has no body.",
        "file",
        refusals=(403, 404, 406, 422),
    ),
    Operation(
        "create",
        "post",
        "",
        "Create one {one}",
        "Parts of it may come along, and all of it is one act. The answer is the whole record, completed.",
        "record",
        status=201,
        takes="create",
        refusals=(403, 409, 422),
        when=_made_alone,
    ),
    Operation(
        "get",
        "get",
        "/{id}",
        "Get one {one}",
        "The fields that you may read. `ETag` is the tag to send back as `If-Match` with a change.",
        "record",
        refusals=(404,),
    ),
    Operation(
        "update",
        "patch",
        "/{id}",
        "Change one {one}",
        f"A field that the body does not name keeps its value; `null` empties it. {_MATCHED}",
        "record or nothing",
        takes="update",
        matches=True,
        refusals=(403, 404, 409, 412, 422),
    ),
    Operation(
        "delete",
        "delete",
        "/{id}",
        "Delete one {one}",
        f"It can be restored, and `deleted=true` lists it. {_MATCHED}",
        "nothing",
        status=204,
        matches=True,
        refusals=(403, 404, 409, 412),
    ),
    Operation(
        "history",
        "get",
        "/{id}/history",
        "What happened to one {one}",
        "The lines of the journal about it, oldest first, as far as you may read the fields.",
        "history",
        refusals=(404,),
    ),
    Operation(
        "restore",
        "post",
        "/{id}/restore",
        "Restore one {one}",
        "Brings a deleted record back as it was; the request has no body.",
        "record or nothing",
        refusals=(403, 404, 409),
    ),
    Operation(
        "move",
        "post",
        "/{id}/move",
        "Move one {one} to a stage",
        "`to` is a stage of its pipeline, or `pipeline.stage` of another one; `values` are fields that it asks for, "
        "written in the same act. Where something is missing the record stays, and the refusal's `missing` says what, "
        f"with the form that asks for it. {_MATCHED}",
        "record or nothing",
        takes="Move",
        matches=True,
        refusals=(403, 404, 409, 412, 422),
        when=_staged,
    ),
    Operation(
        "moves",
        "get",
        "/{id}/moves",
        "Where one {one} may be moved to",
        "The stages that the pipeline's graph and your rights allow next, and what each would ask for.",
        "moves",
        refusals=(404,),
        when=_staged,
    ),
    Operation(
        "assign",
        "post",
        "/{id}/assign",
        "Give one {one} an owner or a unit",
        f"Takes the id of a user, of a unit or of both. {_MATCHED}",
        "record or nothing",
        takes="Assign",
        matches=True,
        refusals=(403, 404, 409, 412, 422),
        when=_owned,
    ),
)
