"""A plugin of which half of what it reacts to is hidden from some."""

from __future__ import annotations

from collections.abc import Iterator

from opencrm import (
    Contact,
    Deal,
    Empty,
    Form,
    Not,
    Pipeline,
    Rule,
    Sla,
    Stage,
    TaskSpec,
    WebForm,
    changed,
    created,
    hookimpl,
    notify,
    owner,
    required,
    wait,
)

PRICE = TaskSpec("price", title="Price {title}", form=Form("price", ["amount", "lost_reason"]))
PIPELINE = Pipeline(
    "asking",
    [Stage("asked", tasks=[PRICE]), Stage("agreed", enter=[required("amount")]), Stage("won", kind="won")],
    moves={("asked", "agreed"), ("agreed", "asked"), ("agreed", "won")},
)
TOLD = "Renamed: {title} {contact.name}"
MORE = "Renamed from {source} {contact.source}"


class Process:
    """What follows from names, and from what is hidden."""

    name = "process"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield PIPELINE

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("renamed", on=changed(Deal, "title"), do=[notify(owner, TOLD), notify(owner, MORE)])
        yield Rule("sourced", on=changed(Deal, "source"), do=[wait("90d"), notify(owner, "later")])
        yield Rule("known", on=changed(Contact, "source"), do=[wait("90d"), notify(owner, "later")])

    @hookimpl
    def opencrm_register_slas(self) -> Iterator[Sla]:
        yield Sla("answered", on=Deal, start=created(Deal), stop=Not(Empty("lost_reason")), targets="90d")

    @hookimpl
    def opencrm_register_forms(self) -> Iterator[WebForm]:
        yield WebForm("request", ["name", "email"], pipeline="asking")

    @hookimpl
    def opencrm_on_change(self, entry, door) -> None:
        raise OSError("away")
