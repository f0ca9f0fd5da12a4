"""Whether whoever saves a definition may hand on what its automation is to be allowed."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm.core.access.covering import Coverage
from opencrm.core.access.grants import Grant
from opencrm.errors import PermissionDenied
from opencrm.services.delegation.loading import load_company
from opencrm.services.delegation.refusals import written
from opencrm.services.delegation.standing import Stand, stands
from opencrm.services.writing.block import Block


def check_covered(work: Block, action: str, grants: Sequence[Grant]) -> None:
    """Refuse a definition that could do more than its author may do, and may hand on.

    Args:
        work: The author's.
        action: What they do: `"rule_definition.create"`.
        grants: What the definition's automation needs.

    Raises:
        PermissionDenied: One of the grants is beyond them; says which.
    """
    rights = work.rights
    if rights.owner or rights.principal.kind == "system":
        return
    coverage = Coverage(work.configuration.catalogue.entities)
    beyond = [_beyond(stand, coverage, grants) for stand in stands(rights, load_company(work), work.now)]
    if None not in beyond:  # The seat that comes furthest tells why.
        furthest = max((grants.index(each) for each in beyond if each in grants), default=0)
        raise _denied(work, action, grants[furthest] if grants else None)


def _beyond(stand: Stand, coverage: Coverage, grants: Sequence[Grant]) -> Grant | None:
    found = stand.beyond(coverage, grants)
    return found if found is not None or stand.terms.owner else coverage.missing(grants, stand.terms.grants)


def _denied(work: Block, action: str, wrong: Grant | None) -> PermissionDenied:
    what = f"it would be allowed {written(wrong)}" if wrong is not None else "it would act as its own automation"
    return work.rights.denied(action, f"{what}, which you may not hand on", rule="delegable")
