"""The school's pipeline: `opencrm --plugin-dir examples/x_education ...` brings it along."""

from collections.abc import Iterator

from opencrm import Pipeline, Stage, hookimpl


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield Pipeline(
        "x_education",
        [Stage("lead", probability=38), Stage("converted", kind="won")],
        kind="leads",
        moves={("lead", "converted")},
        label="Course leads",
    )
