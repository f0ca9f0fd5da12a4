"""A pipeline of contacts, whose class declares no stages."""

from __future__ import annotations

from collections.abc import Iterator

from opencrm import Pipeline, Rule, Stage, TaskSpec, entered, hookimpl, move, required, update

GREET = TaskSpec("greet", title="Greet {name}", due="1d", done=[move("guest")])
FRIENDSHIP = Pipeline(
    "friendship",
    [
        Stage("stranger", tasks=[GREET]),
        Stage("guest", limit=2, rots_after="7d", enter=[required("last_name")]),
        Stage("friend", kind="won"),
        Stage("gone", kind="lost", reasons={"moved": "Moved away", "quarrel": "Quarrelled"}),
    ],
    moves={("stranger", "guest"), ("guest", "friend"), ("*", "gone"), ("gone", "stranger")},
    entity="contact",
)
FIELDS = {"pipeline", "stage", "stage_since", "closed_at", "lost_reason"}


class Friends:
    """Brings a pipeline of contacts, and what follows from a stage of it."""

    name = "friends"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield FRIENDSHIP

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("welcomed", on=entered("friendship.guest"), do=[update(source="welcome")])
