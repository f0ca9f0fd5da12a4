"""Judges a map against a workspace before any row is read: entities, fields, stages and targets must exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from opencrm import NotFound, Reference
from opencrm.embed import Catalogue, Schemas, Spec
from opencrm.plugins.importing.mapping.maps import KEY, FileMap, Map, Part, Source, Target
from opencrm.plugins.importing.problems import BadMap


def check_map(each: Map, catalogue: Catalogue, schemas: Schemas) -> None:
    """Refuse a map that this workspace cannot follow.

    Raises:
        BadMap: Names the first place, and what it may say there.
    """
    for number, file in enumerate(each.files, 1):
        _Checker(each, f"{each.name}, file {file.path or number}", catalogue, schemas).file(file)


@attrs.frozen
class _Checker:
    map: Map
    place: str
    catalogue: Catalogue
    schemas: Schemas

    def file(self, file: FileMap) -> None:
        earlier: dict[str, str] = {}
        for target in file.targets:
            self._target(target, f"{self.place}, target {target.name}", earlier)
            if target.name in earlier:
                raise BadMap(self.place, f"has two targets called {target.name!r}: give one a name")
            earlier[target.name] = target.entity

    def _target(self, target: Target, place: str, earlier: Mapping[str, str]) -> None:
        spec = self._spec(target.entity, place)
        nested = self.schemas.nested(spec)
        self._part(spec, target.fields, place, earlier)
        for name, parts in target.parts.items():
            if name not in nested:
                raise BadMap(place, f"{spec.name} has no parts {name!r}{_offer(nested)}")
            for part in parts:
                self._part(nested[name][0], part, f"{place}, parts.{name}", earlier)
        self._recognised(target, spec, place)
        self._staged(target, spec, place)
        if target.template is not None and target.template not in self.catalogue.roles:
            raise BadMap(place, f"there is no role template {target.template!r}{_offer(self.catalogue.roles)}")

    def _spec(self, entity: str, place: str) -> Spec:
        try:
            return self.catalogue.entity(entity)
        except NotFound as error:
            raise BadMap(place, str(error)) from None

    def _part(self, spec: Spec, part: Part, place: str, earlier: Mapping[str, str]) -> None:
        for name, source in part.items():
            field = spec.fields.get(name)
            if field is None or not field.settable:
                raise BadMap(place, f"{spec.name} has no field {name!r} that a file may set{_offer(_settable(spec))}")
            if isinstance(field.type, Reference):
                self._reference(source, field.type.to, f"{place}.{name}", earlier)
            elif source.target or source.principal or source.by:
                raise BadMap(f"{place}.{name}", "is no reference to another record")

    def _reference(self, source: Source, entity: str, place: str, earlier: Mapping[str, str]) -> None:
        if source.target is not None and earlier.get(source.target) != entity:
            fitting = [name for name, of in earlier.items() if of == entity]
            raise BadMap(
                place, f"no earlier target of this file called {source.target!r} is a {entity}{_offer(fitting)}"
            )
        if source.principal is not None and source.principal != entity:
            raise BadMap(place, f"refers to a {entity}, not to a {source.principal}")
        if source.by not in (None, KEY) and source.by not in self._spec(entity, place).fields:
            raise BadMap(place, f"{entity} has no field {source.by!r} to find it by")
        if source.by == KEY and not (source.system or self.map.system):
            raise BadMap(place, "needs a system whose key it is")

    def _recognised(self, target: Target, spec: Spec, place: str) -> None:
        if target.key is not None and not self.map.system:
            raise BadMap(place, "has a key, and the map names no system whose key it is")
        for name in target.match:
            if name not in spec.fields or name not in target.fields:
                raise BadMap(place, f"match: {name!r} is not among the target's fields")
        if target.key is None and not target.match and target.optional:
            raise BadMap(place, "is optional, and has neither key nor match to be recognised by")

    def _staged(self, target: Target, spec: Spec, place: str) -> None:
        if target.past is not None and target.past.steps and not spec.staged:
            raise BadMap(place, f"{spec.name} has no stages, so its history has no moves")
        pipeline = target.fields.get("pipeline")
        key = pipeline.value if pipeline is not None and spec.staged else None
        if key is None:
            return
        known = {each.key: each for each in self.catalogue.pipelines.values() if each.entity == spec.name}
        if key not in known:
            raise BadMap(f"{place}, fields.pipeline", f"there is no pipeline {key!r}{_offer(known)}")
        stages = [stage.key for stage in known[key].stages]
        for source in (
            target.fields.get("stage"),
            *(step.stage for step in (target.past.steps if target.past else ())),
        ):
            for stage in _constants(source):
                if stage not in stages:
                    raise BadMap(place, f"pipeline {key!r} has no stage {stage!r}{_offer(stages)}")


def _constants(source: Source | None) -> tuple[str, ...]:
    if source is None:
        return ()
    return tuple(str(each) for each in (source.value, source.default, *source.translate.values()) if each is not None)


def _settable(spec: Spec) -> list[str]:
    return [name for name, field in spec.fields.items() if field.settable]


def _offer(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"; there are {listed}" if listed else ""
