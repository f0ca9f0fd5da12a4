"""The tables that are no entities: no generic route reads or writes them."""

from opencrm.storage.tables.history import (
    counter,
    journal,
    merged,
    no_duplicate,
    segment_member,
    segment_snapshot,
    stage_move,
)
from opencrm.storage.tables.people import (
    attempt,
    credential,
    link,
    notification,
    notification_choice,
    record_secret,
    session,
    token,
)
from opencrm.storage.tables.work import circuit, delivery, import_job, once, run, sla_clock, timer, turn, upkeep
from opencrm.storage.tables.workspace import file_read, plugin, submission, workspace

__all__ = [
    "attempt",
    "circuit",
    "counter",
    "credential",
    "delivery",
    "file_read",
    "import_job",
    "journal",
    "link",
    "merged",
    "no_duplicate",
    "notification",
    "notification_choice",
    "once",
    "plugin",
    "record_secret",
    "run",
    "segment_member",
    "segment_snapshot",
    "session",
    "sla_clock",
    "stage_move",
    "submission",
    "timer",
    "token",
    "turn",
    "upkeep",
    "workspace",
]
