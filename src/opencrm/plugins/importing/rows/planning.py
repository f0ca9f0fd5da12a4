"""Joins a map with an open file and a workspace, and makes drafts of the file's rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from opencrm import Reference
from opencrm.embed import Catalogue, Field, Schemas, Spec, grant_rows
from opencrm.plugins.importing.files.reading import Row, TableFile
from opencrm.plugins.importing.mapping.maps import KEY, FileMap, Map, Part, Past, Source, Target
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Draft, Link, Rejected, RowDraft, merged
from opencrm.plugins.importing.rows.evaluating import Getters
from opencrm.plugins.importing.rows.plans import Item, PartPlan, PastPlan, TargetPlan
from opencrm.plugins.importing.rows.refusing import field_faults


@attrs.frozen
class Workplace:
    """What a plan needs of the workspace.

    Attributes:
        catalogue: Its entities, pipelines and role templates.
        schemas: Its loading.
        user: Id of the user who imports, if it is one.
        unit: Id of their unit, if they have one.
        zone: IANA name of its time zone.
    """

    catalogue: Catalogue
    schemas: Schemas
    user: str | None
    unit: str | None
    zone: str


@attrs.frozen
class FilePlan:
    """Everything that is known of a file before its rows are read."""

    file: TableFile
    targets: tuple[TargetPlan, ...]
    schemas: Schemas

    def drafts(self, rows: Iterable[Row]) -> tuple[list[RowDraft], list[Rejected]]:
        """Return what the rows ask for, typed and judged field by field, and the rows that stay out."""
        drafts: list[RowDraft] = []
        rejected: list[Rejected] = []
        for line, cells, fault in rows:
            if fault is not None:
                rejected.append(Rejected(line, cells, fault))
                continue
            faults: dict[str, Fault] = {}
            found: list[Draft | None] = []
            for target in self.targets:
                found.append(target.draft(line, cells, found, faults))
            if faults:
                rejected.append(Rejected(line, cells, merged(faults)))
            else:
                drafts.append(RowDraft(line, cells, found))
        for target in self.targets:
            drafts, bad = self._loaded(target, drafts)
            rejected += bad
        return drafts, rejected

    def _loaded(self, target: TargetPlan, rows: Sequence[RowDraft]) -> tuple[list[RowDraft], list[Rejected]]:
        owners = [row for row in rows if row.drafts[target.at] is not None]
        drafts = [draft for row in owners if (draft := row.drafts[target.at]) is not None]
        loaded, wrong = self.schemas.load_many(target.spec, [draft.raw for draft in drafts])
        for draft, values in zip(drafts, loaded, strict=True):
            draft.loaded = values
        if not wrong:
            return list(rows), []
        rejected = [_rejected(target, owners[at], fields) for at, fields in wrong.items()]
        out = {row.line for row in rejected}
        return [row for row in rows if row.line not in out], rejected


def plan_file(each: Map, file: FileMap, csv: TableFile, place: Workplace) -> FilePlan:
    """Return the plan of a file.

    Raises:
        BadHeader: A column that the map names is missing, or stands there twice.
    """
    getters = Getters(csv.positions(file.columns()), file.translate, each.zone or place.zone)
    planner = _Planner(each, file, csv, place, getters)
    return FilePlan(csv, tuple(planner.target(at, target) for at, target in enumerate(file.targets)), place.schemas)


@attrs.frozen
class _Planner:
    map: Map
    file: FileMap
    csv: TableFile
    place: Workplace
    getters: Getters

    def target(self, at: int, target: Target) -> TargetPlan:
        spec = self.place.catalogue.entity(target.entity)
        nested = self.place.schemas.nested(spec)
        numbered = target.key is None and not target.match
        return TargetPlan(
            at=at,
            target=target,
            spec=spec,
            system=f"file:{self.csv.digest}" if numbered else self.map.system,
            key=Item("key", target.key.shown, self.getters.get(target.key)) if target.key else None,
            items=self._items(spec, target.fields),
            parts=tuple(
                PartPlan(name, self._items(nested[name][0], each))
                for name, parts in target.parts.items()
                for each in parts
            ),
            past=self._past(target.past) if target.past else None,
            pipelines=self.place.catalogue.pipelines,
            template=self._template(target.template),
            filled=self.getters.filled([*target.fields.values(), *target.part_sources()]),
        )

    def _items(self, spec: Spec, part: Part) -> tuple[Item, ...]:
        return tuple(self._item(spec.fields[name], source) for name, source in part.items())

    def _item(self, field: Field, source: Source) -> Item:
        if source.principal is not None:
            id = self.place.user if source.principal == "user" else self.place.unit
            return Item(field.name, "", lambda _cells: id)
        if source.target is not None:
            names = [target.name for target in self.file.targets]
            return Item(field.name, "", lambda _cells: None, earlier=names.index(source.target))
        link = self._link(field, field.type, source) if isinstance(field.type, Reference) else None
        return Item(field.name, source.shown, self.getters.get(source, field.type), link)

    def _link(self, field: Field, kind: Reference, source: Source) -> Link:
        entity = kind.to
        by = (source.by,) if source.by else (*self.place.catalogue.entity(entity).options.lookup, "id")
        system = source.system or self.map.system
        return Link(entity, by, system if source.by == KEY else "", field.required)

    def _past(self, past: Past) -> PastPlan:
        created = self.getters.instant(past.created_at) if past.created_at else None
        column = next((step.at.shown for step in past.steps), past.created_at.shown if past.created_at else "")
        return PastPlan(
            column, created, tuple((self.getters.get(step.stage), self.getters.instant(step.at)) for step in past.steps)
        )

    def _template(self, key: str | None) -> Mapping[str, Any]:
        if key is None:
            return {}
        role = self.place.catalogue.roles[key]
        return {
            "key": role.key,
            "name": role.name,
            "rank": role.rank,
            "grants": grant_rows(role.grants),
            "delegable": grant_rows(role.delegable),
            "field_rules": [attrs.asdict(rule) for rule in role.field_rules],
        }


def _rejected(target: TargetPlan, row: RowDraft, fields: Mapping[str, Sequence[str]]) -> Rejected:
    return Rejected(row.line, row.cells, field_faults(target, fields, row.drafts[target.at]))
