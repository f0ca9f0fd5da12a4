"""What the pages of processes show and say beside what follows from the code; tests run and read all of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PYTHON_INTRODUCTION = """
Who has to do what by when, what a stage asks for, and what follows from what: written in Python, in a
[plugin](../tutorial/04-your-first-plugin.md). Each name is found in `opencrm`;
[Processes explained](../explanation/processes.md) tells how they go together, and
[Ask for something](../how-to/processes/ask-for-something.md) shows tasks with forms at work.
The same can be [kept as text](processes-as-text.md), but for promises and web forms.
A plugin gives them by [opencrm_register_pipelines](hooks.md#opencrm_register_pipelines),
[opencrm_register_rules](hooks.md#opencrm_register_rules), [opencrm_register_slas](hooks.md#opencrm_register_slas) and
[opencrm_register_forms](hooks.md#opencrm_register_forms).
"""
TEXT_INTRODUCTION = """
What a file holds that `opencrm pipelines apply` and `opencrm rules apply` read: `[[pipelines]]` or `[[rules]]` tables,
and nothing else. The [how-to](../how-to/processes/keep-pipelines-and-rules-as-text.md) shows both at work; over REST
the same stands in JSON objects. What a table leaves out is as it is by default; nothing, which TOML cannot write, is
`{empty = true}`. To see how something is written, declare it in a [plugin](processes.md) and have it shown:
`opencrm --plugin-dir plugins pipelines export`, and the same of `rules`, writes what plugins declare as comments.
"""
ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "Events": """What a rule listens to, as its `on`. An entity is named by its class or its name, a task by its
            declaration or its key.""",
        "Actions": """What is done, as the `do` of a rule and of a stage, the `left` of a stage, and the `done` and
            `cancelled` of a task. All but `send`, `generate`, `report`, `call` and `wait` are done in the transaction
            of what they follow from.""",
        "Selectors": """Who, found when they are asked for. Beside these there are two words: `owner`, who is
            responsible for the record, and of a task whoever has it; and `creator`, who made it.""",
        "Values and durations": """A duration is a text: `"90s"`, `"15m"`, `"1h30m"`, `"2d"`, `"6w"`. In a calendar
            hours are working time and days are working days. A text may have places, such as `"{title}"` and
            `"{contact.name}"`, which are fields of the record and of what it refers to.""",
    }
)
PYTHON: Mapping[str, str] = MappingProxyType(
    {
        "Pipeline": """
from opencrm import Pipeline, Stage

repairs = Pipeline(
    "repairs",
    ["new", Stage("fixing", label="In the workshop"), Stage("done", kind="won"), Stage("lost", kind="lost")],
    moves={("new", "fixing"), ("fixing", "done"), ("*", "lost")},
)
""",
        "Stage": """
from opencrm import Stage, TaskSpec, notify, owner, required

offer = Stage(
    "offer",
    probability=40,
    enter=[required("amount")],
    tasks=[TaskSpec("call", title="Call {contact.name}", due="1d")],
    do=[notify(owner, "{title}: make an offer")],
    rots_after="14d",
)
lost = Stage("lost", kind="lost", reasons={"price": "Too expensive", "rival": "Went to a rival"})
""",
        "Requirement": """
from opencrm import Form, Greater, Requirement

priced = Requirement(Greater("amount", 0), missing="the price", form=Form("price", ["amount"]))
""",
        "required": """
from opencrm import required

both = required("amount", "contact_id")
""",
        "TaskSpec": """
from opencrm import Escalation, Form, TaskSpec, head_of, move, owner, pick

price = TaskSpec(
    "price",
    title="Price {title}",
    owner=pick("seller"),
    due="2d",
    form=Form("price", ["amount"]),
    reminders=["4h"],
    escalations=[Escalation(to=owner), Escalation("+1d", to=head_of(owner))],
    done=[move("offer")],
)
""",
        "Escalation": """
from opencrm import Escalation, head_of, owner

louder = Escalation("+30m", to=head_of(owner), text="Still open: {title}", repeat="1h", most=3, how=["inbox", "mail"])
""",
        "Form": """
from opencrm import Form

price = Form("price", ["amount", "description"], optional=["description"])
positions = Form("positions", ["title", "price"], of="deal_line", many=True)
""",
        "Calendar": """
from opencrm import Calendar

office = Calendar(
    "office",
    hours="Mo-Fr 08:00-12:00,13:00-18:00",
    zone="Europe/London",
    holidays="GB-ENG",
    days={"2026-12-24": "09:00-12:00", "2026-12-31": None},
)
""",
        "Rule": """
from opencrm import Deal, Greater, Rule, changed, notify, owner

thanks = notify(owner, "{title} is large")
large = Rule("large", on=changed(Deal, "amount"), when=Greater("amount", 10_000), do=[thanks])
""",
        "Sla": """
from opencrm import Deal, Empty, Equal, Escalation, Not, Sla, created, head_of, owner

answered = Sla(
    "answered",
    on=Deal,
    start=created(Deal),
    stop=Not(Empty("description")),
    pause=Equal("stage", "parked"),
    targets="4h",
    escalations=[Escalation("-30m", to=owner), Escalation("due", to=head_of(owner))],
)
""",
        "WebForm": """
from opencrm import WebForm, pick

request = WebForm(
    "request",
    ["name", "phone", "email", "message"],
    optional=["email", "message"],
    pipeline="repairs",
    title="Request of {name}",
    owner=pick("seller"),
)
""",
        "Events": """
from opencrm import Deal, after, assigned, before, cancelled, changed, created, deleted, done, entered, every, left
from opencrm import overdue, rotten, submitted

events = [
    created(Deal),
    changed(Deal, "amount", "currency"),
    assigned("deal"),
    deleted(Deal),
    entered("repairs.fixing"),
    left("repairs.fixing"),
    done("call"),
    cancelled("price"),
    overdue("price"),
    submitted("request"),
    rotten("repairs.new"),
    every("Mo-Fr", "09:00", of=Deal, zone="Europe/London"),
    after(Deal, "closed_at", "6w"),
    before(Deal, "expected_close", "1w"),
]
""",
        "Actions": """
from opencrm import Greater, TaskSpec, assign, call, create, generate, give, head_of, move, notify, only_if, owner
from opencrm import report, send, update, value, wait

actions = [
    update(source="fair", description="Met {contact.name}"),
    create("contact", name="{title}", once="name"),
    create("activity", kind="note", subject="Sold", deal_id=value("id")),
    move("fixing"),
    assign(head_of(owner)),
    give(TaskSpec("thank", title="Thank {contact.name}", due="1d")),
    notify(owner, "{title} is sold"),
    send("Your order {title}", "Dear {contact.name}, thank you."),
    generate("contract"),
    report("finished_order", to=head_of(owner)),
    wait("6w"),
    only_if(Greater("amount", 1_000)),
    call("shop_print", copies=2),
]
""",
        "Selectors": """
from opencrm import creator, head_of, owner, person, pick

people = [
    owner,
    creator,
    person("ann@example.com"),
    head_of(owner),
    pick("seller"),
    pick("fitter", within="North", strategy="least_loaded"),
]
""",
        "Values and durations": """
from opencrm import by, value

client = value("contact_id")
heat = by("source", fair="15m", website="30m", otherwise="1d")
spoken = by("source", {"word of mouth": "1h"})
""",
    }
)
"""By heading; each block runs."""
ABOUT_TEXT: Mapping[str, str] = MappingProxyType(
    {
        "A calendar": """When people work, of a task: its durations are counted in these hours;
            [Calendar](processes.md#calendar) says how.""",
        "A requirement": """What a record must meet, in the `enter` and `leave` of a stage. Python's
            `required("amount")` is written as the first of these.""",
        "An action": """What is done: in the `do` of a rule and of a stage, the `left` of a stage, the `done` and
            `cancelled` of a task. Each is one table with one of these words. A document of a template is
            `{call = {service = "documents_generate", values = {template = "contract"}}}`.""",
        "An event": "The `on` of a rule: one table with one of these words.",
        "A selector": "Who: one of two words, or one table.",
        "A duration": """A text of numbers with `s`, `m`, `h`, `d` and `w`; or a field decides, by its value. In a
            calendar hours are working time and days are working days. Where a text is asked for, as in `wait`,
            `reminders` or `slot`, a field cannot decide.""",
        "A value": """What a field is set to: a constant, a text with places, several constants, the value of a field of
            the record, or nothing. Days, instants and amounts are written as text.""",
    }
)
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "owner": "Whoever is responsible for the record; of a task, whoever has it.",
        "creator": "Whoever made the record; nobody where no person did.",
    }
)
MEANINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "A pipeline": {
            "stages": "In order; at least one.",
            "moves": 'From which stage to which; `"*"` means from every stage, and `"sales.new"` is a stage of another '
            "pipeline.",
        },
        "A calendar": {
            "zone": "IANA name of the zone of the wall clock; by default the workspace's.",
            "days": 'Single days with hours of their own, whatever the week says; `"off"` is a day off.',
        },
        "A task": {"due": "How long they have, in the calendar; or as a field decides."},
        "A rule": {"on": "When.", "do": "What, in order: 1 to 50 actions."},
    }
)
"""Where a docstring says how it is in Python."""
BESIDE: Mapping[str, Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "A pipeline": {
            "retired": ("true or false", "", "Whether it is out of force; its records and history stay."),
            "replaced_by": (
                "table of names, each with text",
                "",
                "Where the records of a stage that goes are to stand: its key, or `sales.new` of another pipeline.",
            ),
        },
        "A rule": {"retired": ("true or false", "", "Whether it is out of force; what it did stays in the history.")},
    }
)
"""Keys of the tables of a file that are no part of the definition itself."""
TOML: Mapping[str, str] = MappingProxyType(
    {
        "A pipeline": """
[[pipelines]]
key = "repairs"
label = "Repairs"
entity = "deal"
kind = "sales"
initial = "new"
roles = ["seller"]
moves = [["new", "fixing"], ["fixing", "done"], ["*", "lost"]]
stages = [
    { key = "new" },
    { key = "fixing" },
    { key = "done", kind = "won" },
    { key = "lost", kind = "lost" },
]
""",
        "A stage": """
[[stages]]
key = "offer"
label = "Offer"
kind = "open"
probability = 40
rots_after = "14d"
limit = 50
enter = [{ condition = { field = "amount", op = "greater", value = 0 }, missing = "the price" }]
leave = [{ condition = { not = { field = "contact_id", op = "empty" } }, missing = "the client" }]
tasks = [{ key = "call", due = "1d" }]
do = [{ notify = { to = "owner", text = "{title}: make an offer" } }]
left = [{ update = { source = "offered" } }]

[[stages]]
key = "lost"
kind = "lost"
reasons = { price = "Too expensive", rival = "Went to a rival" }
""",
        "A requirement": """
[[enter]]
condition = { not = { any = [{ field = "amount", op = "empty" }] } }
missing = "amount"
form = { key = "amount", fields = ["amount"] }

[[enter]]
condition = { field = "amount", op = "greater", value = 1000 }
missing = "an amount above 1000"
""",
        "A task": """
[[tasks]]
key = "price"
title = "Price {title}"
owner = { pick = "seller", strategy = "least_loaded" }
due = { by = "source", cases = { fair = "15m" }, otherwise = "1d" }
calendar = { name = "office", hours = "Mo-Fr 08:00-18:00" }
form = { key = "price", fields = ["amount"] }
reminders = ["4h"]
escalations = [{ to = { head_of = "owner" } }]
done = [{ move = "offer" }]
cancelled = [{ notify = { to = "creator", text = "Not priced: {title}" } }]
stays = true

[[tasks]]
key = "measure"
owner = { pick = "fitter", strategy = "free_slot" }
slot = "90m"
""",
        "An escalation": """
[[escalations]]
at = "+30m"
to = { head_of = "owner" }
text = "Still open: {title}"
repeat = "1h"
most = 3
reassign = true
how = ["inbox", "mail"]
""",
        "A form": """
[form]
key = "positions"
label = "Positions"
of = "deal_line"
many = true
fields = ["title", "price", "quantity"]
optional = ["quantity"]
""",
        "A calendar": """
[calendar]
name = "office"
hours = "Mo-Fr 08:00-12:00,13:00-18:00"
zone = "Europe/London"
holidays = "GB-ENG"
days = { "2026-12-24" = "09:00-12:00", "2026-12-31" = "off" }
""",
        "A rule": """
[[rules]]
key = "large"
on = { changed = "deal", fields = ["amount"] }
when = { field = "amount", op = "greater", value = 10000 }
do = [{ notify = { to = "owner", text = "{title} is large" } }, { wait = "1d" }, { move = "offer" }]
anew = "contact_id"
active = true
""",
        "A duration": """
[[durations]]
is = "1h30m"

[[durations]]
is = { by = "source", cases = { fair = "15m", website = "30m" }, otherwise = "1d" }
""",
        "A value": """
[values]
source = "fair"
description = "Met {contact.name}"
amount = "1500.00"
expected_close = "2026-03-02"
contact_id = { value = "contact_id" }
lost_reason = { empty = true }
""",
    }
)
"""By heading; each is read as a file would be."""
