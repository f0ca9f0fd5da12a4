"""What follows from a change, in each of the ways that there are: each effect must be there once."""

from __future__ import annotations

from opencrm import (
    Activity,
    Contact,
    Create,
    Escalation,
    Grant,
    Kind,
    Rule,
    Scope,
    TaskSpec,
    changed,
    create,
    created,
    give,
    hookimpl,
    owner,
    records,
    value,
    wait,
)

CALL = TaskSpec("call", title="Call {name}", due="1s", escalations=[Escalation(to=owner)])


@hookimpl
def opencrm_register_grants():
    yield Grant("contact", "read", Scope.ALL)
    yield Grant("activity", "create", Scope.ALL)
    yield Grant("activity", "read", Scope.ALL)
    yield Grant("activity", "assign", Scope.ALL)


@hookimpl
def opencrm_register_rules():
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
