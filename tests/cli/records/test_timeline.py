"""`opencrm timeline`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from opencrm.app.invocation import Invocation
from opencrm.testing import make_contact


def test_what_happened_to_a_record_is_shown(call: Callable[..., Result], folder: Path) -> None:
    """As a table, and as JSON an object a line."""
    assert call("init", "--owner", "Ann").exit_code == 0
    invocation = Invocation({}, {})
    contact = make_contact(invocation.crm, by=invocation.principal, name="Bob")
    invocation.close()
    shown = call("timeline", "contact", contact.id)
    assert (shown.exit_code, "created" in shown.stdout, "Ann" in shown.stdout) == (0, True, True), shown.output
    [told] = [json.loads(each) for each in call("timeline", "contact", contact.id, "--json").stdout.splitlines()]
    assert (told["kind"], told["rule"]) == ("created", None)
    assert call("timeline", "contact", "nonsense").exit_code == 5
