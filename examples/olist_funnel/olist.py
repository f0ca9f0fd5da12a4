"""Two pipelines of a marketplace that looks for sellers: `opencrm --plugin-dir examples/olist_funnel ...`."""

from collections.abc import Iterator

from opencrm import Pipeline, Stage, hookimpl


@hookimpl
def opencrm_register_pipelines() -> Iterator[Pipeline]:
    yield Pipeline(
        "olist_leads",
        [Stage("qualified", "Qualified by marketing", probability=10)],
        kind="leads",
        moves={("qualified", "olist_sales.won")},
        label="Marketing-qualified leads",
    )
    yield Pipeline(
        "olist_sales",
        [Stage("negotiating", probability=30), Stage("won", kind="won")],
        moves={("negotiating", "won")},
        label="New sellers",
    )
