"""Rules switched off and on again, those of plugins too; it holds from the next change on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opencrm.core.change import JournalEntry
from opencrm.core.entities import RuleDefinition
from opencrm.errors import InputError, NotFound
from opencrm.services import records
from opencrm.services.commands import Create, Update
from opencrm.services.definitions.process.text import stored
from opencrm.services.process.overseeing import history

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

STATES = ("on", "off")
WAITING = ("keep", "drop")


def switch(work: Work, key: str, state: str, *, waiting: str = "keep") -> JournalEntry:
    """Switch a rule on or off.

    Args:
        work: Of whoever may change the rule's definition, or make one where it is a plugin's.
        key: The rule's key.
        state: `"on"` or `"off"`.
        waiting: `"drop"` gives up what the rule has still to do; with `"keep"` that goes on.

    Raises:
        NotFound: There is no such rule.
        PermissionDenied: The principal may not; or the rule, switched on, could do more than they may hand on.
        InputError: There is no such state, or no such way with what waits; or, switched on, the rule would be part of a
            loop.
    """
    _known(state, waiting)
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


def _known(state: str, waiting: str) -> None:
    given = (("state", state, STATES), ("waiting", waiting, WAITING))
    wrong = {name: [f"must be one of {', '.join(allowed)}"] for name, value, allowed in given if value not in allowed}
    if wrong:
        raise InputError(wrong)
