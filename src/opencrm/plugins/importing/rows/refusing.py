"""What the services' errors say of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opencrm import Duplicate, InputError, OpenCRMError
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Draft, merged
from opencrm.plugins.importing.rows.plans import TargetPlan

_TAKEN = "belongs to a record that you may not see, or that was deleted; whoever may see it can bring the row in"


def fault_of(target: TargetPlan | None, error: OpenCRMError) -> Fault:
    """Return why a row stays out whose target a service refused."""
    if isinstance(error, InputError):
        return field_faults(target, error.fields)
    objections: Sequence[Mapping[str, Any]] = error.details.get("objections", ())
    faults = {
        f"{at}": Fault(_column(target, it.get("field")), it["code"], it["text"]) for at, it in enumerate(objections)
    }
    if faults:
        return merged(faults)
    if isinstance(error, Duplicate) and "system" in error.details.get("fields", ()):
        return Fault(_column(target, "refs"), "key_taken", _TAKEN)
    fields = error.details.get("fields") or [error.details.get("field")]
    return Fault(_column(target, fields[0]), error.code, str(error))


def field_faults(target: TargetPlan | None, fields: Mapping[str, Sequence[str]], draft: Draft | None = None) -> Fault:
    """Return one fault for what is said of a record's fields."""
    entity = f"{target.spec.name}." if target else ""
    faults = {}
    for name, texts in fields.items():
        column = target.column(name, draft) if target else ""
        faults[name] = Fault(column, "invalid_input", f"{entity}{name} {' '.join(texts)}")
    return merged(faults)


def _column(target: TargetPlan | None, field: str | None) -> str:
    return target.column(field) if target is not None and field is not None else ""
