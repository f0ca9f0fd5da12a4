"""What can be done with records over REST, as data: the OpenAPI document is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from opencrm.embed import Spec

Answer: TypeAlias = Literal["record", "record or nothing", "page", "nothing", "history"]


def _always(_spec: Spec) -> bool:
    return True


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
        answer: What a success answers with.
        status: The status of a success.
        takes: Name of the schema of the body: the entity's own `create` or `update`, or an act's.
        matches: Whether it heeds `If-Match`.
        when: Which entities have it.
    """

    name: str
    method: str
    path: str
    text: str
    answer: Answer
    status: int = attrs.field(default=200, kw_only=True)
    takes: str | None = attrs.field(default=None, kw_only=True)
    matches: bool = attrs.field(default=False, kw_only=True)
    when: Callable[[Spec], bool] = attrs.field(default=_always, kw_only=True)

    @property
    def of_one(self) -> bool:
        """Whether it is about one record, named by its id."""
        return self.path.startswith("/{id}")


OPERATIONS = (
    Operation("list", "get", "", "List {many}", "page"),
    Operation("create", "post", "", "Create one {one}", "record", status=201, takes="create"),
    Operation("get", "get", "/{id}", "Get one {one}", "record"),
    Operation("update", "patch", "/{id}", "Change one {one}", "record or nothing", takes="update", matches=True),
    Operation("delete", "delete", "/{id}", "Delete one {one}", "nothing", status=204, matches=True),
    Operation("history", "get", "/{id}/history", "What happened to one {one}", "history"),
    Operation("restore", "post", "/{id}/restore", "Restore one {one}", "record or nothing"),
    Operation(
        "move",
        "post",
        "/{id}/move",
        "Move one {one} to a stage",
        "record or nothing",
        takes="Move",
        matches=True,
        when=_staged,
    ),
    Operation(
        "assign",
        "post",
        "/{id}/assign",
        "Give one {one} an owner or a unit",
        "record or nothing",
        takes="Assign",
        matches=True,
        when=_owned,
    ),
)
