"""Rules switched off and on again, those of plugins too; it holds from the next change on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencrm.core.change import JournalEntry
from opencrm.core.entities import RuleDefinition
from opencrm.errors import NotFound
from opencrm.services import records
from opencrm.services.commands import Create, Update
from opencrm.services.definitions.process.text import stored
from opencrm.services.process.overseeing import history

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def switch(work: Work, key: str, state: str, *, waiting: str = "keep") -> JournalEntry:
    """Switch a rule on or off.

    Args:
        work: Of whoever may change the rule's definition, or make one where it is a plugin's.
        key: The rule's key.
        state: `"on"` or `"off"`.
        waiting: `"drop"` gives up what the rule has still to do; by default that goes on.

    Raises:
        NotFound: There is no such rule.
        PermissionDenied: The principal may not; or the rule, switched on, could do more than they may hand on.
        InputError: Switched on, it would be part of a loop.
    """
    active = state == "on"
    found = next((it for it in stored(work, "rules") if it["key"] == key), None)
    if found is not None:
        [line] = records.update(work, [Update(RuleDefinition, found["id"], active=active)])
    elif key in work.configuration.catalogue.process.rules:
        [line] = records.create(work, [Create(RuleDefinition, key=key, active=active)])
    else:
        raise NotFound(f"there is no rule {key!r}", rule=key)
    if waiting == "drop":
        history.give_up(work.tx, rule=key)
    return line
