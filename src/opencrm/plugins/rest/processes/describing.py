"""What the document says of pipelines and rules."""

from __future__ import annotations

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import acted, body, good, operation
from opencrm.plugins.rest.document.shapes import (
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    or_none,
    query,
    reference,
    text,
)

_WRONG = (403, 404, 409, 422)
_KEY: Shape = {"name": "key", "in": "path", "required": True, "description": "The rule's key", "schema": text("called")}
_OBJECT: Shape = {"type": "object"}
_STATES = ["waiting", "running", "done", "stopped", "given_up", "failed"]
_KINDS = ("created", "changed", "moved", "assigned", "deleted", "restored", "told", "ran", "submitted")
_PAGE = (
    query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "Rows of a page"),
    query("cursor", TEXT, "`next` of the page before"),
)
_HAPPENINGS = (
    query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}, "Happenings of a page"),
    query("cursor", TEXT, "`next` of the page before"),
)
_TIMELINE = """The newest first: its own lines and those of its tasks, files and all else that refers to it, who was
told of them, what rules did, and what came by web forms; each with the `rule` that caused it, as you may read it.
"""
_LIST = "Those of the workspace's own, and those of plugins, which have a `source` and can be changed only there."
_APPLY = """Each is a whole definition, as `opencrm {kind} export` writes it, with {beside} beside it; or its `key` with
those alone. All of it is done or nothing, in one act, which can be undone; what is under way is left alone. Faults name
their places, counted from 0: `rules[2].do[1].update.amount`. Each acts as its own automation, whose grants are derived,
stored, and told in the plan; they must be covered by what you may do, and hand on.
"""
_BESIDE = {"pipelines": "`retired` and `replaced_by`", "rules": "`retired` and `active`"}
_PLAN = "It is judged and tried, and taken back: the answer says what would change, for whom, and for how many records."
_TRY = """By the journal of the past: how often the event came, how often the condition held, and what would have been
done, as far as you may read the records. Nothing is written. `rule` tries another definition of that key. The newest
200,000 lines of the journal are looked at; where that is not all since `since`, `only_since` says how far they reach.
"""
_OFF = "A plugin's too. It holds from the next change on; with `drop`, what the rule still has to do is given up."
_RUNS = "For those who may change the definitions of rules: what was done, step by step, of records that you may read."


def schemas() -> Shape:
    """Return the named shapes of pipelines and rules."""
    one = {"key": TEXT, "source": or_none(TEXT), "active": FLAG, "retired": FLAG, "grants": list_of(_OBJECT)}
    one["definition"] = {"type": ["object", "null"]}
    fate = {"enum": ["cancelled", "kept"], "description": "What becomes of them"}
    open_ones = object_of({"kind": TEXT, "number": NUMBER, "capped": FLAG, "fate": fate})
    stage = object_of(
        {"stage": TEXT, "act": TEXT, "records": NUMBER, "capped": FLAG, "roles": _OBJECT, "tasks": list_of(open_ones)}
    )
    step = {"act": TEXT, "key": TEXT, "lines": list_of(TEXT), "grants": list_of(_OBJECT), "stages": list_of(stage)}
    occasion = {"entity": TEXT, "record_id": UUID, "record": or_none(TEXT), "at": MOMENT, "actions": list_of(TEXT)}
    foretold: Shape = {"rule": TEXT, "since": MOMENT, "heard": NUMBER, "times": NUMBER, "things": NUMBER, "text": TEXT}
    foretold["only_since"] = {**or_none(MOMENT), "description": "From when on, where there is too much before that"}
    wanted = {"since": text("30d"), "rule": _OBJECT}
    happening = {
        "id": UUID,
        "at": MOMENT,
        "kind": {"enum": [*_KINDS]},
        "entity": TEXT,
        "record_id": UUID,
        "rule": {**or_none(TEXT), "description": "The rule, stage, task or form that caused it"},
        "principal": or_none(TEXT),
        "acting_as": or_none(TEXT),
        "fields": {**list_of(TEXT), "description": "Which fields changed"},
        "from_stage": {**or_none(TEXT), "description": "Of a move: where it stood, with its pipeline if it left that"},
        "to_stage": {**or_none(TEXT), "description": "Of a move: where it went, with its pipeline if that is new"},
        "text": {**or_none(TEXT), "description": "What was told, or the steps of a run"},
        "user_id": {**or_none(UUID), "description": "Who was told"},
        "state": {**or_none(TEXT), "description": "How a letter or a run went"},
    }
    return {
        "Timeline": object_of({"items": list_of(object_of(happening)), "next": or_none(TEXT)}),
        "ProcessDefinitions": object_of({"items": list_of(object_of(one))}),
        "ProcessPlan": object_of({"steps": list_of(object_of(step)), "warnings": list_of(TEXT)}),
        "PipelineTexts": object_of({"pipelines": list_of(_OBJECT), "retire": FLAG}, "retire"),
        "RuleTexts": object_of({"rules": list_of(_OBJECT), "retire": FLAG}, "retire"),
        "RuleTrial": object_of(wanted, *wanted),
        "RuleForetold": object_of({**foretold, "occasions": list_of(object_of(occasion))}),
        "RuleOff": object_of({"drop": FLAG}, "drop"),
        "RuleSwitch": object_of({"key": TEXT, "active": FLAG}),
        "Run": _run(),
        "Runs": object_of({"items": list_of(reference("Run")), "next": or_none(TEXT)}),
        "RunRetried": object_of({"id": UUID, "rule": TEXT, "state": TEXT}),
    }


def paths() -> Shape:
    """Return the paths, each with its operations."""
    return {**_defining("pipelines", "PipelineTexts"), **_defining("rules", "RuleTexts"), **_of_rules(), **_of_runs()}


def of_records(entity: Spec) -> Shape:
    """Return the path of what rules did about an entity's records."""
    shown = operation(
        f"{entity.name}_runs",
        address(entity),
        summary=f"Show what rules did about one {entity.label.lower()}",
        about="Step by step, newest first; why something failed, only to those who keep the rules.",
        good=good("Runs"),
        refused=(404, 422),
        takes=(parameters.ID, *_PAGE),
    )
    timeline = operation(
        f"{entity.name}_timeline",
        address(entity),
        summary=f"Show all that happened to one {entity.label.lower()}, and because of it",
        about=_TIMELINE,
        good=good("Timeline"),
        refused=(404, 422),
        takes=(parameters.ID, *_HAPPENINGS),
    )
    path = f"/{address(entity)}/{{id}}"
    return {f"{path}/runs": {"get": shown}, f"{path}/timeline": {"get": timeline}}


def _defining(kind: str, shape: str) -> Shape:
    listed = operation(
        kind, "process", summary=f"List the {kind}", about=_LIST, good=good("ProcessDefinitions"), refused=(403,)
    )
    about = _APPLY.replace("{kind}", kind).replace("{beside}", _BESIDE[kind])
    plan = operation(
        f"{kind}_plan",
        "process",
        summary=f"Say what a change of {kind} would do",
        about=_PLAN,
        good=good("ProcessPlan"),
        refused=_WRONG,
    )
    apply = operation(
        f"{kind}_apply", "process", summary=f"Change {kind}", about=about, good=acted("ProcessPlan"), refused=_WRONG
    )
    wanted = body(reference(shape), {kind: [], "retire": False})
    return {
        f"/{kind}": {"get": listed},
        f"/{kind}/plan": {"post": plan | wanted},
        f"/{kind}/apply": {"post": apply | wanted},
    }


def _of_rules() -> Shape:
    tried = operation(
        "rule_try",
        "process",
        summary="Say what a rule would have done",
        about=_TRY,
        good=good("RuleForetold"),
        refused=(404, 422),
        takes=(_KEY,),
    )
    off = operation(
        "rule_off",
        "process",
        summary="Switch a rule off",
        about=_OFF,
        good=acted("RuleSwitch"),
        refused=_WRONG,
        takes=(_KEY,),
    )
    on = operation(
        "rule_on",
        "process",
        summary="Switch a rule on",
        about="It holds from the next change on.",
        good=acted("RuleSwitch"),
        refused=_WRONG,
        takes=(_KEY,),
    )
    return {
        "/rules/{key}/try": {"post": tried | body(reference("RuleTrial"), {"since": "30d"})},
        "/rules/{key}/off": {"post": off | body(reference("RuleOff"), {"drop": False})},
        "/rules/{key}/on": {"post": on | body(_OBJECT, {})},
    }


def _of_runs() -> Shape:
    rule = query("rule", TEXT, "Only of this rule, or of this stage, such as `windows.agreed`")
    state = query("state", {"type": "string", "enum": _STATES}, "Only of this state")
    listed = operation(
        "rule_runs",
        "process",
        summary="Show what rules did",
        about=_RUNS,
        good=good("Runs"),
        refused=(403, 422),
        takes=(rule, state, *_PAGE),
    )
    again = operation(
        "rule_retry",
        "process",
        summary="Let a run that failed go on",
        about="With the step that failed, as soon as a worker can.",
        good=good("RunRetried"),
        refused=(403, 404, 409),
        takes=(parameters.ID,),
    )
    return {"/rules/runs": {"get": listed}, "/rules/runs/{id}/retry": {"post": again}}


def _run() -> Shape:
    detail = {**or_none(TEXT), "description": "Which service, template or task, and whom"}
    step = {"action": TEXT, "at": MOMENT, "state": TEXT, "error": or_none(TEXT), "detail": detail}
    told = {"id": UUID, "rule": TEXT, "automation": TEXT, "entity": TEXT, "record_id": UUID, "cause": or_none(UUID)}
    told |= {"at": MOMENT, "state": {"type": "string", "enum": _STATES}, "due_at": or_none(MOMENT), "attempts": NUMBER}
    error = {**or_none(TEXT), "description": "Why it failed last, for those who keep the rules"}
    return object_of({**told, "error": error, "steps": list_of(object_of(step, "error")), "rest": list_of(TEXT)})
