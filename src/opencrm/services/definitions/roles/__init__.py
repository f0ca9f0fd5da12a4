"""Roles as text: what they are, what a text would change and for whom, that change made; and copies of roles."""

from opencrm.services.definitions.roles.copying import copy
from opencrm.services.definitions.roles.planning import carry_out, foretell, rehearse
from opencrm.services.definitions.roles.steps import Holders, Step, holders
from opencrm.services.definitions.roles.text import export, parse

__all__ = ["Holders", "Step", "carry_out", "copy", "export", "foretell", "holders", "parse", "rehearse"]
