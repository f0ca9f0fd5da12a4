"""The pages of what processes are declared with name all of it, and what they show as text can be read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from opencrm.core.process import text
from opencrm.core.process.text import grammar, parts
from opencrm.core.process.text.events import EVENT
from opencrm.core.process.text.places import Place
from opencrm.core.process.text.tables import Choice, Table
from opencrm.names import HOME

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (REFERENCE / "processes.md").read_text(encoding="utf-8")
AS_TEXT = (REFERENCE / "processes-as-text.md").read_text(encoding="utf-8")


def _escalation(raw: Any) -> Any:
    return grammar.ESCALATION.read(raw, Place("escalation"))


_READERS: Mapping[str, tuple[str, Callable[[Any], Any], Table]] = MappingProxyType(
    {
        "A pipeline": ("pipelines", text.pipeline_of, grammar.PIPELINE),
        "A stage": ("stages", text.stage_of, grammar.STAGE),
        "A requirement": ("enter", text.requirement_of, grammar.REQUIREMENT),
        "A task": ("tasks", text.task_of, grammar.TASK),
        "An escalation": ("escalations", _escalation, grammar.ESCALATION),
        "A form": ("form", text.form_of, parts.FORM),
        "A calendar": ("calendar", text.calendar_of, parts.CALENDAR),
        "A rule": ("rules", text.rule_of, grammar.RULE),
    }
)


def shown(title: str) -> dict[str, Any]:
    """Return the example of a section of the page of the text."""
    section = AS_TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    return tomllib.loads(block)


@pytest.mark.parametrize(
    "name", [it for it, home in HOME.items() if re.match(r"opencrm\.core\.(process|pipeline)\b", home)]
)
def test_a_declaration_of_a_process_is_in_the_reference(name: str):
    """Each name of the front door has a heading or a row, or is one of the two words."""
    assert re.search(rf"^## {name}$|^\| `{name}\(|`{name}`, who", PAGE, re.MULTILINE), name


@pytest.mark.parametrize("title", _READERS)
def test_an_example_of_the_text_is_read_and_shows_every_key(title: str):
    """It may be copied as it stands; what a file says beside the definition is in the table."""
    name, read, table = _READERS[title]
    found = shown(title)[name]
    several = found if isinstance(found, list) else [found]
    for each in several:
        read(each)
    assert {table.name_of(it) for it in table.kinds} == {key for each in several for key in each}


@pytest.mark.parametrize("choice", [grammar.ACTION, EVENT, parts.SELECTOR], ids=["action", "event", "selector"])
def test_each_word_of_a_choice_is_in_the_page_with_something_to_copy(choice: Choice):
    """That it can be read is shown where the grammar is."""
    assert all(f"| `{form.sample}` |" in AS_TEXT for form in choice.forms.values())
    assert all(f'| `"{word}"` |' in AS_TEXT for word in choice.words)


def test_durations_and_values_are_read():
    """The two sections that show no table of their own."""
    for each in shown("A duration")["durations"]:
        text.duration_of(each["is"])
    text.action_of({"update": shown("A value")["values"]})
