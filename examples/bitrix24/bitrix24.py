"""The stages of the leads in a Bitrix24 export: `opencrm --plugin-dir examples/bitrix24 ...` brings them along."""

from collections.abc import Iterator

from opencrm import Pipeline, Stage, hookimpl


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield Pipeline(
        "bitrix24_leads",
        [
            Stage("new", probability=10),
            Stage("quality", "Quality lead", probability=40),
            Stage("junk", "Not a quality lead", kind="lost"),
        ],
        kind="leads",
        moves={("new", "quality"), ("new", "junk"), ("quality", "junk"), ("junk", "quality")},
        label="Leads from Bitrix24",
    )
