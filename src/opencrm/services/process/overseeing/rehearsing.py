"""Dry runs: what a rule would have done, had it been there; nothing is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

import attrs

from opencrm.core.conditions import Condition, Link, Referring, bind, predicate
from opencrm.core.entities import RuleDefinition
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
from opencrm.services.process.overseeing.pasts import MOST_LINES, Stretch, happened
from opencrm.services.process.overseeing.rewinding import Happened
from opencrm.services.process.rendering import Words
from opencrm.services.reading.reader import Reader

MOST = 50
"""How many of the occasions are told one by one."""
_JUDGED = 10_000
"""How many records that conditions reach are judged once and not again."""

Meets: TypeAlias = Callable[[Happened, Condition], bool]


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
        only_since: From when on the past was looked at, where it holds more than is looked at; what is older, down to
            `since`, is left out of all figures. None where nothing is left out.
        heard: How often its event came.
        times: How often its condition held, too.
        things: How many actions it would have done.
        occasions: The first of the times.
    """

    rule: str
    since: datetime
    only_since: datetime | None = None
    heard: int
    times: int
    things: int
    occasions: tuple[Occasion, ...]

    def __str__(self) -> str:
        done = f"would have done {self.things:,} things, {self.times:,} times, since {_shown_at(self.since)}"
        if self.only_since is None:
            return done
        return f"{done}, counting only what came since {_shown_at(self.only_since)}: there is too much before that"


def rule_named(reader: Reader, key: str) -> Rule:
    """Return a rule in force, switched on or off.

    Raises:
        PermissionDenied: The reader keeps no rules.
        NotFound: There is none of that key.
    """
    _keeper(reader)
    found = reader.configuration.catalogue.process.rules.get(key)
    if found is None:
        raise NotFound(f"there is no rule {key!r}", rule=key)
    return found.rule


def foretell(
    reader: Reader, rule: Rule, since: timedelta, *, most: int = MOST, most_lines: int = MOST_LINES
) -> Foretold:
    """Say what a rule would have done, had it been there.

    Events, and the records as they stood after each, are read from the journal; records that conditions and texts
    reach along references, as they are now. What a rule that ran would have changed is not followed up.

    Args:
        reader: Whoever asks: records, and fields, that they may not read are left out.
        rule: The rule, in force or not yet.
        since: From how long ago on.
        most: How many of the occasions are told one by one.
        most_lines: How many lines of the journal, submissions or overdue tasks are looked at, the newest ones.

    Raises:
        PermissionDenied: The reader may define no rules: it takes long, and others wait for what it reads meanwhile.
        InputError: The rule names a field that the reader may not read, or events that the past does not tell of.
    """
    _keeper(reader)
    past, meets = Stretch(reader.now - since, most_lines), _judge(reader)
    heard = times = things = 0
    told: deque[tuple[Happened, tuple[Action, ...]]] = deque(maxlen=most)
    for it in happened(reader, rule, past):
        heard += 1
        if rule.when is None or meets(it, rule.when):
            actions = tuple(_done(meets, it, rule.do))
            times, things = times + 1, things + len(actions)
            told.append((it, actions))
    return Foretold(
        rule=rule.key,
        since=past.since,
        only_since=past.only_since,
        heard=heard,
        times=times,
        things=things,
        occasions=tuple(_occasion(reader, it, actions) for it, actions in reversed(told)),
    )


def _keeper(reader: Reader) -> None:
    """Refuse whoever may neither make nor change rules."""
    rights, spec = reader.rights, reader.entity(RuleDefinition)
    if not (rights.owner or any(next(rights.granted(spec, act), None) for act in ("create", "update"))):
        raise rights.denied("rule_definition.update", "rules are tried by who may make or change them")


def _judge(reader: Reader) -> Meets:
    """Return what judges conditions by a record as it stood; others that they reach, as they are, once each."""
    rights, locale = reader.rights, reader.configuration.locale

    @lru_cache(_JUDGED)
    def linked(link: Link | Referring, id: Id) -> bool:
        return reader.linked(link, id)

    def meets(it: Happened, condition: Condition) -> bool:
        bound = bind(condition, it.spec, rights.readable(it.spec), locale, rights.asker(it.at))
        return bool(predicate(bound, it.spec, linked, reader.told)(it.state))

    return meets


def _done(meets: Meets, it: Happened, actions: Sequence[Action]) -> Iterator[Action]:
    """Give what would be done, up to an `only_if` that does not hold; after a wait nobody can say whether it does."""
    waited = False
    for action in actions:
        if isinstance(action, OnlyIf) and not waited:
            if not meets(it, action.condition):
                return
            continue
        waited |= isinstance(action, Wait)
        yield action


def _occasion(reader: Reader, it: Happened, actions: Sequence[Action]) -> Occasion:
    name, words = it.spec.options.display, Words(reader, it.spec, it.state)
    shown = it.state.get(name) if name in reader.rights.readable(it.spec) else None
    return Occasion(
        entity=it.spec.name,
        record_id=it.state["id"],
        record=None if shown is None else str(shown),
        at=it.at,
        actions=tuple(_told(words, action) for action in actions),
    )


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
        case OnlyIf(condition):
            return f"go on only if {plain(condition)}"
        case Wait(length):
            return f"wait {length}"
        case Call(service, values):
            return f"call {service}({_values(words, values)})"
    return str(plain(action))


def _values(words: Words, values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in words.given(values).items())


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _shown_at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
