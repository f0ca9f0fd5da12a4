"""What follows from a new contact: a note by the plugin, one by a rule, and a line for each time that it was told."""

from __future__ import annotations

import os
import time
from pathlib import Path

from opencrm import Activity, Contact, Create, Grant, Kind, Rule, Scope, create, created, hookimpl, records, wait


@hookimpl
def opencrm_register_grants():
    yield Grant("contact", "read", Scope.ALL)
    yield Grant("activity", "create", Scope.ALL)
    yield Grant("activity", "read", Scope.ALL)
    yield Grant("activity", "assign", Scope.ALL)


@hookimpl
def opencrm_register_rules():
    yield Rule("later", on=created(Contact), do=[wait("1s"), create(Activity, subject="later {name}")])


@hookimpl(entity="contact")
def opencrm_on_change(entry, door):
    if entry.kind is not Kind.CREATED:
        return
    name = entry.after["name"]
    with Path(os.environ["TOLD"]).open("a") as told:
        told.write(f"{name}\n")
    with door.work() as work:
        if door.once(work, f"noted {entry.entry_id}"):
            records.create(work, [Create(Activity, subject=f"told {name}")])
            time.sleep(0.03)  # So that most kills come in the middle.
