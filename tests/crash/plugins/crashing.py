"""What follows from a change, in each of the ways that there are: each effect must be there once."""

from __future__ import annotations

from opencrm import (
    Activity,
    Company,
    Contact,
    Create,
    Deal,
    Equal,
    Escalation,
    Grant,
    Kind,
    Pipeline,
    Rule,
    Scope,
    Sla,
    Stage,
    TaskSpec,
    after,
    before,
    changed,
    create,
    created,
    every,
    give,
    hookimpl,
    owner,
    records,
    rotten,
    value,
    wait,
)

CALL = TaskSpec("call", title="Call {name}", due="1s", escalations=[Escalation(to=owner)])


@hookimpl
def opencrm_register_grants():
    yield Grant("contact", "read", Scope.ALL)
    yield Grant("deal", "read", Scope.ALL)
    yield Grant("company", "create", Scope.ALL)
    yield Grant("company", "assign", Scope.ALL)
    yield Grant("activity", "create", Scope.ALL)
    yield Grant("activity", "read", Scope.ALL)
    yield Grant("activity", "assign", Scope.ALL)


@hookimpl
def opencrm_register_pipelines():
    stages = [Stage("new", rots_after="2s"), Stage("won", kind="won")]
    yield Pipeline("crashing", stages, moves={("new", "won")})


@hookimpl
def opencrm_register_slas():
    late = Escalation(to=owner, text="Promised {title}")
    yield Sla("answered", on=Deal, start=created(Deal), stop=Equal("stage", "won"), targets="3s", escalations=[late])


@hookimpl
def opencrm_register_rules():
    yield Rule("stands", on=rotten("crashing.new"), do=[create(Activity, subject="rotten {title}")])
    yield Rule("ahead", on=before(Activity, "happened_at", "1s"), do=[create(Company, name="ahead {subject}")])
    yield Rule("since", on=after(Activity, "happened_at", "1s"), do=[create(Company, name="since {subject}")])
    for minute in range(20):
        at = f"12:{minute:02}"
        daily = every("Mo-Su", at, of=Deal, zone="UTC")
        yield Rule(
            f"daily_{minute}", on=daily, when=Equal("title", "Daily"), do=[create(Activity, subject=f"daily {at}")]
        )
    yield Rule("at_once", on=changed(Contact, "source"), do=[create(Activity, subject="at once {source}")])
    later = [wait("1s"), create(Activity, subject="later", contact_id=value("id"))]
    yield Rule("later", on=changed(Contact, "description"), do=later)
    yield Rule("call_them", on=created(Contact), do=[give(CALL)])


@hookimpl(entity="contact")
def opencrm_on_change(entry, door):
    if entry.kind is not Kind.CHANGED or "source" not in entry.after:
        return
    with door.work() as work:
        if door.once(work, entry.entry_id):
            records.create(work, [Create(Activity, subject=f"told {entry.after['source']}")])
