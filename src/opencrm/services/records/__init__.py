"""Creating, changing, deleting and restoring records of any entity."""

from opencrm.services.records.changing import applied, delete, deleted, given_of, restore, update, updated
from opencrm.services.records.creating import create
from opencrm.services.records.named import match, states_of

__all__ = [
    "applied",
    "create",
    "delete",
    "deleted",
    "given_of",
    "match",
    "restore",
    "states_of",
    "update",
    "updated",
]
