"""Why somebody may do something, who else may, and what a change of the organisation would change."""

from opencrm.services.explaining.differing import Difference, FieldShift, Shift, Trial, diff, told, tried
from opencrm.services.explaining.explaining import Explanation, explain, require, who
from opencrm.services.explaining.paths import Step

__all__ = [
    "Difference",
    "Explanation",
    "FieldShift",
    "Shift",
    "Step",
    "Trial",
    "diff",
    "explain",
    "require",
    "told",
    "tried",
    "who",
]
