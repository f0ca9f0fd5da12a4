"""Maven's pipeline: `opencrm --plugin-dir examples/maven_crm ...` brings it along."""

from collections.abc import Iterator

from opencrm import Pipeline, Stage, hookimpl


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield Pipeline(
        "maven",
        [
            Stage("prospecting", probability=20),
            Stage("engaging", probability=50),
            Stage("won", kind="won"),
            Stage("lost", kind="lost"),
        ],
        moves={("prospecting", "engaging"), ("engaging", "won"), ("engaging", "lost")},
        label="Hardware sales",
    )
