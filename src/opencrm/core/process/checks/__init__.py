"""What is wrong with pipelines and rules, found before anything of them runs."""

from opencrm.core.process.checks.alone import alone, looping, tasks_of, unending, unmet
from opencrm.core.process.checks.finding import Finding, Known
from opencrm.core.process.checks.graph import stages_of
from opencrm.core.process.checks.loops import endless, loops
from opencrm.core.process.checks.names import names_of
from opencrm.core.process.checks.parts import Part, about, parts_of, tasks_in

__all__ = [
    "Finding",
    "Known",
    "Part",
    "about",
    "alone",
    "endless",
    "looping",
    "loops",
    "names_of",
    "parts_of",
    "stages_of",
    "tasks_in",
    "tasks_of",
    "unending",
    "unmet",
]
