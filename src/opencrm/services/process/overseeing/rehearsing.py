"""Dry runs: what a rule would have done, had it been there; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from opencrm.core.conditions import Condition, bind, predicate
from opencrm.core.process.actions import (
    Action,
    AssignRecord,
    Call,
    CreateRecord,
    GiveTask,
    MoveRecord,
    Notify,
    OnlyIf,
    Send,
    UpdateRecord,
    Wait,
)
from opencrm.core.process.rules import Rule
from opencrm.core.process.text import plain
from opencrm.core.values import Id
from opencrm.errors import NotFound
from opencrm.services.process.detailing import whom
from opencrm.services.process.overseeing.pasts import Happened, happened
from opencrm.services.process.rendering import Words
from opencrm.services.reading.reader import Reader

MOST = 50
"""How many of the occasions are told one by one."""


@attrs.frozen(kw_only=True)
class Occasion:
    """Once that a rule would have run.

    Attributes:
        entity: What kind of record it is about.
        record_id: Which one.
        record: What that is called; None where the reader may not know.
        at: When.
        actions: What it would have done, in order, a line each.
    """

    entity: str
    record_id: Id
    record: str | None
    at: datetime
    actions: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Foretold:
    """What a rule would have done.

    Attributes:
        rule: Its key.
        since: From when on.
        heard: How often its event came.
        times: How often its condition held, too.
        things: How many actions it would have done.
        occasions: The first of the times.
    """

    rule: str
    since: datetime
    heard: int
    times: int
    things: int
    occasions: tuple[Occasion, ...]

    def __str__(self) -> str:
        return f"would have done {self.things:,} things, {self.times:,} times, since {self.since:%Y-%m-%d %H:%M} UTC"


def rule_named(reader: Reader, key: str) -> Rule:
    """Return a rule in force, switched on or off.

    Raises:
        NotFound: There is none of that key.
    """
    found = reader.configuration.catalogue.process.rules.get(key)
    if found is None:
        raise NotFound(f"there is no rule {key!r}", rule=key)
    return found.rule


def foretell(reader: Reader, rule: Rule, since: timedelta, *, most: int = MOST) -> Foretold:
    """Say what a rule would have done, had it been there.

    Events, and the records as they stood after each, are read from the journal; records that conditions and texts
    reach along references, as they are now. What a rule that ran would have changed is not followed up.

    Args:
        reader: Whoever asks: records, and fields, that they may not read are left out.
        rule: The rule, in force or not yet.
        since: From how long ago on.
        most: How many of the occasions are told one by one.

    Raises:
        InputError: The rule names a field that the reader may not read, or events that the past does not tell of.
    """
    start, heard, times, things = reader.now - since, 0, 0, 0
    told: list[Occasion] = []
    for it in happened(reader, rule, start):
        heard += 1
        if rule.when is None or _meets(reader, it, rule.when):
            actions = tuple(_done(reader, it, rule.do))
            times, things = times + 1, things + len(actions)
            if len(told) < most:
                told.append(_occasion(reader, it, actions))
    return Foretold(rule=rule.key, since=start, heard=heard, times=times, things=things, occasions=tuple(told))


def _meets(reader: Reader, it: Happened, when: Condition) -> bool:
    rights, locale = reader.rights, reader.configuration.locale
    bound = bind(when, it.spec, rights.readable(it.spec), locale, rights.asker(it.at))
    return bool(predicate(bound, it.spec, reader.linked, reader.told)(it.state))


def _occasion(reader: Reader, it: Happened, actions: Sequence[str]) -> Occasion:
    name = it.spec.options.display
    shown = it.state.get(name) if name in reader.rights.readable(it.spec) else None
    return Occasion(
        entity=it.spec.name,
        record_id=it.state["id"],
        record=None if shown is None else str(shown),
        at=it.at,
        actions=tuple(actions),
    )


def _done(reader: Reader, it: Happened, actions: Sequence[Action]) -> Iterator[str]:
    """Give what would be done, up to an `only_if` that does not hold; after a wait nobody can say whether it does."""
    words, waited = Words(reader, it.spec, it.state), False
    for action in actions:
        if isinstance(action, OnlyIf):
            if not waited and not _meets(reader, it, action.condition):
                return
            if waited:
                yield f"go on only if {plain(action.condition)}"
            continue
        waited |= isinstance(action, Wait)
        yield _told(words, action)


def _told(words: Words, action: Action) -> str:  # noqa: PLR0911  # a sentence for each action
    match action:
        case UpdateRecord(values):
            return f"update {_values(words, values)}"
        case CreateRecord(entity, values):
            return f"create {entity}: {_values(words, values)}"
        case MoveRecord(to):
            return f"move to {to}"
        case AssignRecord(to):
            return f"assign to {whom(to)}"
        case GiveTask(task):
            return f"give {whom(task.owner)} the task {task.key}: {words.text(task.title)}"
        case Notify(to, text):
            return f"notify {whom(to)}: {words.text(text)}"
        case Send(subject):
            return f"write to the client: {words.text(subject)}"
        case Wait(length):
            return f"wait {length}"
        case Call(service, values):
            return f"call {service}({_values(words, values)})"
    return str(plain(action))


def _values(words: Words, values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in words.given(values).items())


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
