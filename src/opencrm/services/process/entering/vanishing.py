"""Stages that go at the moment at which a record enters them: one of the two waits, and finds what the other did.

Whoever takes stages away locks the table of the records first, so that all who wrote it have ended; whoever writes it
asks afterwards whether what it went by is still in force. SQLite lets one transaction write at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select

from opencrm.core.change import Change
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline
from opencrm.errors import ConflictError
from opencrm.services.writing.block import Block
from opencrm.storage import tables


def keep_out(work: Block, spec: Spec) -> None:
    """Wait for all who write records of an entity, and let nobody else write any until the transaction ends."""
    work.tx.lock(spec.table, "EXCLUSIVE")


def enters(change: Change) -> bool:
    """Say whether a record comes to stand in a stage: one that was deleted does where it is restored."""
    before, after = change.before, change.after
    if "stage" in change.fields or "pipeline" in change.fields:
        return True
    restored = before is not None and before.get("deleted_at") is not None and after.get("deleted_at") is None
    return restored and after.get("stage") is not None


def asked(work: Block, changes: Sequence[Change]) -> tuple[str, Callable[[], Select[Any]]] | None:
    """Return what is to be asked once changes are stored; None where no record enters a stage."""
    return None if work.tx.sqlite or not any(map(enters, changes)) else ("version in force", _version)


def check_standing(work: Block, changes: Sequence[Change], answer: Sequence[Sequence[Any]]) -> None:
    """Refuse changes, which are stored, of records that stand in a stage that somebody took away meanwhile.

    Raises:
        ConflictError: There is one.
    """
    for (version,) in answer:
        entered = [change for change in changes if enters(change)]
        if version != work.config_version and not _stand(entered, _pipelines(work, version)):
            raise ConflictError("somebody else changed the stages meanwhile; try again")


def _pipelines(work: Block, version: str) -> Iterable[Pipeline]:
    edition = work.tx.edition  # The statements of this transaction stay those of what it began with.
    try:
        return work.workspace.configuration(work.tx, version).catalogue.pipelines.values()
    finally:
        work.tx.edition = edition


def _stand(entered: Iterable[Change], pipelines: Iterable[Pipeline]) -> bool:
    there = {(it.entity, it.key, stage.key) for it in pipelines for stage in it.stages}
    return all((it.entity, it.after["pipeline"], it.after["stage"]) in there for it in entered)


def _version() -> Select[Any]:
    return select(tables.workspace.c.config_version)
