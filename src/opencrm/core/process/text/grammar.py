"""Pipelines, tasks, actions and rules in writing: what stands in each of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import get_args

from opencrm.core.pipeline.definition import Pipeline, Stage, StageKind
from opencrm.core.pipeline.requirements import Requirement
from opencrm.core.process.actions import (
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
from opencrm.core.process.tasks import Escalation, TaskSpec
from opencrm.core.process.text.events import EVENT
from opencrm.core.process.text.kinds import Named, OneOf, Pairs, Several, Text
from opencrm.core.process.text.parts import (
    CALENDAR,
    CONDITION,
    DURATION,
    FLAG,
    FORM,
    LENGTH,
    PLACED,
    SELECTOR,
    TEXT,
    TEXTS,
    VALUES,
    WHOLE,
)
from opencrm.core.process.text.tables import Choice, Later, Table, Under
from opencrm.core.process.values import moment

ACTIONS = Several(Later(lambda: ACTION))

ESCALATION = Table(
    Escalation,
    {
        "at": Text(moment, "+10m"),
        "to": SELECTOR,
        "text": PLACED,
        "repeat": LENGTH,
        "most": WHOLE,
        "reassign": FLAG,
        "how": TEXTS,
    },
)

TASK = Table(
    TaskSpec,
    {
        "key": TEXT,
        "title": PLACED,
        "owner": SELECTOR,
        "due": DURATION,
        "slot": LENGTH,
        "calendar": CALENDAR,
        "form": FORM,
        "reminders": Several(LENGTH),
        "escalations": Several(ESCALATION),
        "done": ACTIONS,
        "cancelled": ACTIONS,
        "stays": FLAG,
    },
)

ACTION: Choice = Choice(
    {
        "create": Under(
            "create",
            Table(CreateRecord, {"entity": TEXT, "values": VALUES, "once": TEXTS}),
            sample='{create = {entity = "task", values = {title = "Call"}}}',
        ),
        "update": Table(UpdateRecord, {"values": VALUES}, word="update", sample='{update = {source = "fair"}}'),
        "move": Table(MoveRecord, {"to": TEXT}, word="move", sample='{move = "agreed"}'),
        "assign": Table(AssignRecord, {"to": SELECTOR}, word="assign", sample='{assign = "owner"}'),
        "give": Table(GiveTask, {"task": TASK}, word="give", sample='{give = {key = "call"}}'),
        "notify": Under(
            "notify",
            Table(Notify, {"to": SELECTOR, "text": PLACED}),
            sample='{notify = {to = "owner", text = "Call {contact.name}"}}',
        ),
        "send": Under(
            "send",
            Table(Send, {"subject": PLACED, "text": PLACED}),
            sample='{send = {subject = "Hello", text = "Thank you"}}',
        ),
        "only_if": Table(
            OnlyIf, {"condition": CONDITION}, word="only_if", sample='{only_if = {field = "amount", op = "empty"}}'
        ),
        "wait": Table(Wait, {"duration": LENGTH}, word="wait", sample='{wait = "1d"}'),
        "call": Under(
            "call",
            Table(Call, {"service": TEXT, "values": VALUES}),
            sample='{call = {service = "shop_print", values = {copies = 2}}}',
        ),
    }
)

_REQUIRED = (
    'write {condition = {not = {any = [{field = "amount", op = "empty"}]}}, missing = "amount", '
    'form = {key = "amount", fields = ["amount"]}}'
)
REQUIREMENT = Table(
    Requirement,
    {"condition": CONDITION, "missing": TEXT, "form": FORM},
    meant=MappingProxyType({"required": _REQUIRED}),
)

STAGE = Table(
    Stage,
    {
        "key": TEXT,
        "label": TEXT,
        "kind": OneOf(get_args(StageKind)),
        "probability": WHOLE,
        "enter": Several(REQUIREMENT),
        "leave": Several(REQUIREMENT),
        "tasks": Several(TASK),
        "do": ACTIONS,
        "left": ACTIONS,
        "rots_after": LENGTH,
        "limit": WHOLE,
        "reasons": Named(TEXT),
    },
)

PIPELINE = Table(
    Pipeline,
    {
        "key": TEXT,
        "entity": TEXT,
        "label": TEXT,
        "kind": OneOf(("sales", "leads")),
        "initial": TEXT,
        "roles": TEXTS,
        "moves": Pairs(),
        "stages": Several(STAGE, least=1),
    },
)

RULE = Table(Rule, {"key": TEXT, "on": EVENT, "when": CONDITION, "do": ACTIONS, "anew": TEXT, "active": FLAG})
