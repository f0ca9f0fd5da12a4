"""What one principal may ask for, and how it is asked: names, conditions and orders judged, planned, and run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import Select

from opencrm.core.access.rights import Rights
from opencrm.core.conditions import TRUE, Asker, Condition, Entities, all_of, bind
from opencrm.core.entity import Entity, Spec
from opencrm.core.process.timing.rotting import expanded
from opencrm.services.reading.asking import names_of, sort_of
from opencrm.services.reading.planning.arms import narrowed
from opencrm.services.reading.planning.building import statement
from opencrm.services.reading.planning.plans import Plan, Sort
from opencrm.services.reading.rows import Record, record_class
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.transactions import Transaction

Of: TypeAlias = type[Entity] | Spec | str
Rows: TypeAlias = Sequence[Sequence[Any]]


class Selecting:
    """Selects as one principal, in one transaction.

    Attributes:
        rights: What the principal may do.
        now: The instant at which the transaction began.
    """

    def __init__(
        self,
        tx: Transaction,
        workspace: Workspace,
        rights: Rights,
        configuration: Configuration,
        now: datetime,
    ) -> None:
        self.tx = tx
        self.workspace = workspace
        self.rights = rights
        self.configuration = configuration
        self.now = now

    def entity(self, entity: Of) -> Spec:
        """Return an entity's declaration; `NotFound` where this workspace does not have it."""
        return self.configuration.catalogue.entity(entity)

    def seen(self, entity: Of) -> Spec:
        """Return an entity's declaration as the principal sees it: of what is hidden, `updated_at` tells nothing."""
        return self.rights.seen(self.entity(entity))

    def bound(self, spec: Spec, where: Condition | None) -> Condition:
        """Return a condition as it was written with typed values, of fields that may be read.

        Raises:
            InputError: A field is unknown or cannot be compared so; names the field.
        """
        if where is None:
            return TRUE
        catalogue, locale = self.configuration.catalogue, self.configuration.locale
        where = expanded(where, spec, catalogue.pipelines_of(spec.name), locale.zone, self.now)
        return bind(where, spec, self.rights.readable(spec), locale, self._asker)

    def sort(self, spec: Spec, text: str) -> Sort:
        """Return the order that a text asks for; raises InputError."""
        return sort_of(spec, self.rights.readable(spec), text)

    def names(self, spec: Spec, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """Return the fields that are wanted, all that may be read for None; raises InputError."""
        return names_of(spec, self.rights.readable(spec), wanted)

    def scope(self, spec: Spec, action: str = "read") -> Condition:
        """Return which records of an entity the principal may read; with another action, those it may do that to."""
        read = self.rights.expression(spec, "read").condition
        return read if action == "read" else all_of((read, self.rights.expression(spec, action).condition))

    def plan(  # noqa: PLR0913  # all that a plan is made of, most of it by name
        self,
        spec: Spec,
        columns: tuple[str, ...],
        where: Condition,
        sort: Sort | None = None,
        *,
        after: tuple[Any, Any] | None = None,
        limit: int | None = None,
        action: str = "read",
        deleted: bool = False,
    ) -> Plan:
        """Return the plan of what is read: the columns, a bound condition, and the order."""
        scope = self.scope(spec, action)
        if "record_id" in spec.options.part_of:
            scope = narrowed(scope, where)
        return Plan(spec, columns, scope, where, sort, after, deleted, limit)

    def records(self, spec: Spec, names: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> tuple[Record, ...]:
        """Return rows as records; what a row holds beyond the names is left out."""
        cls, width = record_class(spec.name, names), len(names)
        return tuple([cls(row[:width]) for row in rows])

    def _rows(self, plan: Plan) -> Rows:
        """Read a plan's rows: by a short walk where the scope may be dense, and else in the way that is sure."""
        trial, known = plan.trial, self.configuration.densities
        key = (self.rights.name, plan.shape, plan.where) if trial is not None else ()
        if trial is None or not known.may_be_dense(key, self.now):
            return self._select(plan)
        walked = self._select(trial)
        if len(walked) == plan.limit:
            return walked
        rows = self._select(plan)
        if len(rows) > len(walked):
            known.is_sparse(key, self.now)
        return rows

    def statement(self, plan: Plan) -> Select[Any]:
        """Return the statement of a plan's shape."""
        return statement(plan, self._entities)

    def _select(self, plan: Plan) -> Rows:
        return self.tx.select(plan.shape, lambda: self.statement(plan), plan.values)

    @property
    def _entities(self) -> Entities:
        return self.configuration.catalogue.entities

    @cached_property
    def _asker(self) -> Asker:
        return self.rights.asker(self.now)
