"""What tests of conditions are about: one entity with a field of each type, and what it refers to."""

from __future__ import annotations

import pytest

from opencrm import Company
from opencrm.core.conditions import TRUE, Asker
from opencrm.core.entities import Core, specs
from opencrm.testing import MONDAY

SPECS = {spec.name: spec for spec in specs(Core)}


@pytest.fixture
def asker():
    """Somebody in Berlin, on a Monday at ten."""
    return Asker(
        now=MONDAY,
        zone="Europe/Berlin",
        name="user:0190c7a4-0000-7000-8000-000000000001",
        user_id="0190c7a4-0000-7000-8000-000000000001",
        units=("0190c7a4-0000-7000-8000-0000000000a1", "0190c7a4-0000-7000-8000-0000000000a2"),
        entities=SPECS,
        readable=lambda spec: set(spec.fields) - ({"website"} if spec.name == Company.spec.name else set()),
        scope=lambda _: TRUE,
    )
