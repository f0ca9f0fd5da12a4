"""The custom fields that a map brings along: those that are missing are made before the file is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opencrm import CustomField
from opencrm.embed import Catalogue, definitions
from opencrm.plugins.importing.doors import Doors
from opencrm.plugins.importing.mapping.maps import Map
from opencrm.plugins.importing.problems import BadMap


def bring_fields(each: Map, doors: Doors) -> int:
    """Make the fields of a map that their entities lack; return how many. Those that are there stay as they are.

    Raises:
        BadMap: A definition cannot be used, or only somebody else may add fields.
    """
    missing = [table for table in each.fields if _missing(table, doors.configuration.catalogue)]
    if not missing:
        return 0
    with doors.chunk() as work:
        if work.rights.expression(work.entity(CustomField), "create").nothing:
            named = ", ".join(f"{table.get('entity')}.{table.get('key')}" for table in missing)
            raise BadMap(each.name, f"needs fields that only an owner may add: {named}")
        steps = [step for step in definitions.plan(work, missing) if step.act == "create"]
        definitions.apply(work, steps)
    return len(steps)


def _missing(table: Mapping[str, Any], catalogue: Catalogue) -> bool:
    spec = catalogue.entities.get(str(table.get("entity")))
    return spec is None or table.get("key") not in spec.fields
