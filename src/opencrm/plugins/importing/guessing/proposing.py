"""Puts guesses together: which records a row stands for, and what of them the columns are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import attrs

from opencrm.embed import MOST_FIELDS, RESERVED_FIELDS, Catalogue, FieldType, Schemas, Spec
from opencrm.plugins.importing.files.reading import alike
from opencrm.plugins.importing.guessing.matching import LEAST, Match, Place, called, matched, places_of
from opencrm.plugins.importing.guessing.naming import are_firms
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.staging import stage_kinds
from opencrm.plugins.importing.guessing.words import plain, slug, words

_PEOPLE = ("name", "first_name", "last_name")
_NAMES = ("name", "title", "sku")
_USUAL = ("contact", "company", "product", "deal")
_SIDE: Mapping[str, tuple[str, ...]] = {"deal": ("company", "contact"), "contact": ("company",)}
"""The records that a row may name beside its own."""


@attrs.frozen
class Surroundings:
    """What of the workspace a guess looks at.

    Attributes:
        catalogue: Its entities and pipelines.
        schemas: Which parts an entity has.
        currency: The currency of amounts that name none.
    """

    catalogue: Catalogue
    schemas: Schemas
    currency: str


@attrs.frozen
class Proposal:
    """What a row stands for.

    Attributes:
        columns: The file's columns.
        spec: The entity that each row is.
        around: What of the workspace matters.
        matches: The best guess for each column that has one.
        key: The column by which a row is known, or None.
    """

    columns: Sequence[Column]
    spec: Spec
    around: Surroundings
    matches: Mapping[int, Match]
    key: Match | None

    def of(self, group: str) -> dict[str, Match]:
        """Return the guesses for the fields of a group, in the order of the columns."""
        found = [match for _, match in sorted(self.matches.items()) if match.place[0] == group]
        return {match.place[1]: match for match in found}

    def points(self) -> list[Match]:
        """Return the columns that are contact points."""
        return [match for _, match in sorted(self.matches.items()) if match.place[0] == "points"]

    @cached_property
    def left(self) -> list[Column]:
        """The columns that are nothing that opencrm knows, in order."""
        key = {self.key.column.at} if self.key else set()
        used = self.matches.keys() | key
        return [column for column in self.columns if column.at not in used and column.header]

    @property
    def unnamed(self) -> list[Column]:
        """Columns without a header."""
        return [column for column in self.columns if not column.header]

    @cached_property
    def custom(self) -> dict[str, Column]:
        """The columns that become custom fields, by the fields' names; as many as the entity has room for."""
        spec = self.spec
        taken = {*spec.fields, *spec.cls.__table__.c.keys(), *self.around.schemas.nested(spec), *RESERVED_FIELDS, "id"}
        room = MOST_FIELDS - sum(field.custom for field in spec.fields.values())
        found: dict[str, Column] = {}
        for column in self.left:
            if len(found) < room and column.counts and not constant(column) and not self.twice(column):
                found[slug(column.header, taken | found.keys())] = column
        return found

    def twice(self, column: Column) -> bool:
        """Say whether another column has the same header, so that neither can be named."""
        return sum(alike(each.header) == alike(column.header) for each in self.columns) > 1

    def like(self, column: Column) -> Column | None:
        """Return the column of unique values that this one's values are taken from, if there is one."""
        for other in self.columns:
            if other.at != column.at and other.unique and len(column.counts) > 1:
                known = sum(value in other.counts for value in column.counts)
                if known >= 0.95 * len(column.counts):
                    return other
        return None


def constant(column: Column) -> bool:
    """Say whether a column says the same in every row."""
    return len(column.counts) == 1 and column.filled == column.rows > 1


def proposal(columns: Sequence[Column], entity: str | None, around: Surroundings) -> Proposal:
    """Return what the rows of a file may stand for.

    Args:
        columns: The file's columns.
        entity: The entity's name, where it must not be guessed.
        around: What of the workspace matters.

    Raises:
        NotFound: There is no such entity.
    """
    if entity is not None:
        return _of(columns, around.catalogue.entity(entity), around)
    several = [_of(columns, around.catalogue.entity(name), around) for name in _USUAL]
    return max(several, key=lambda each: (_weight(each), _explained(each)))


def _weight(proposed: Proposal) -> float:
    """Return how well an entity explains the columns; nothing without a sign that the rows are such records."""
    name, own = proposed.spec.name, proposed.of(proposed.spec.name)
    titles = [plain(column.header) for column in proposed.columns]
    called_deal = any(
        word in title for word in ("deal", "lead", "opportunity", "mql", "лид", "сделк") for title in titles
    )
    signs = {
        "deal": {"amount", "lost_reason", "expected_close"} & own.keys() or called_deal,
        "contact": {"name", "first_name", "last_name", "birthday"} & own.keys() or proposed.points(),
        "company": "name" in own,
        "product": {"sku", "series"} & own.keys() or proposed.of("price"),
    }
    if not signs[name]:
        return 0.0
    if name == "contact":
        return _explained(proposed) + _people(proposed, own)
    return _explained(proposed) + ((2 if called_deal else 0) + _staged(own) if name == "deal" else 0)


def _people(proposed: Proposal, own: Mapping[str, Match]) -> float:
    """Return what names of people say for contacts; clients may be companies, or have deals."""
    clients = [column for column in proposed.columns if plain(column.header) in words().clients]
    named = [own[each].column for each in _PEOPLE if each in own and own[each].column not in clients]
    whole = own["name"].column if "name" in own else None
    return len(named) + (2 if whole in named and whole.counts and not are_firms(whole.counts) else 0)


def _staged(own: Mapping[str, Match]) -> float:
    """Return what it says for deals that a column holds stages: `won`, `lost` and the like, beside amounts."""
    stage = own.get("stage")
    if stage is None:
        return 0.0
    known = sum(number for value, number in stage.column.counts.items() if stage_kinds(value))
    return 3.0 if 2 * known >= max(stage.column.filled, 1) else 0.0


def _explained(proposed: Proposal) -> float:
    return sum(match.confidence for match in proposed.matches.values())


def _of(columns: Sequence[Column], spec: Spec, around: Surroundings) -> Proposal:
    usable = [column for column in columns if column.header]
    counted = [alike(column.header) for column in usable]
    usable = [column for column in usable if counted.count(alike(column.header)) == 1]
    groups = _groups(spec, around)
    while True:
        matches = matched(usable, _places(spec, groups, around), spec.name)
        lacking = [group for group in groups if not _stands(group, matches.values())]
        if not lacking:
            break
        groups = [group for group in groups if group not in lacking]
    key = _key(usable, matches, spec.name)
    keyed = key.column.at if key is not None else None
    kept = {
        at: it
        for at, it in matches.items()
        if it.place[1] != "key" and (at != keyed or it.confidence >= 0.95 or it.place[0] == "points")
    }
    return Proposal(columns, spec, around, kept, key)


def _groups(spec: Spec, around: Surroundings) -> list[str]:
    return [name for name in _SIDE.get(spec.name, ()) if name in around.catalogue.entities]


def _places(spec: Spec, groups: Iterable[str], around: Surroundings) -> dict[Place, FieldType[object] | None]:
    entities = [(name, around.catalogue.entity(name)) for name in groups]
    found = {
        place: kind
        for place, kind in places_of(entities).items()
        if place[1] in words().fields.get(place[0], {}) and place[1] not in ("source", "description", "parent_id")
    }
    found |= places_of([(spec.name, spec)])
    found = {place: kind for place, kind in found.items() if called(place, spec.name)}
    if "contact" in (*groups, spec.name) or "points" in around.schemas.nested(spec):
        found |= {("points", kind): None for kind in words().points}
    if "company" in groups:
        found[("employment", "position")] = None
    if "prices" in around.schemas.nested(spec):
        found[("price", "amount")] = around.catalogue.entity("price").fields["amount"].type
        found[("price", "currency")] = around.catalogue.entity("price").fields["currency"].type
    found[("any", "created_at")] = spec.fields["created_at"].type
    found[("any", "key")] = None
    return found


def _stands(group: str, matches: Iterable[Match]) -> bool:
    """Say whether the columns name a record beside the row's own at all."""
    needed = ("name",) if group == "company" else _PEOPLE
    points = group == "contact"
    return any(
        (it.place[0] == group and it.place[1] in needed) or (points and it.place[0] == "points") for it in matches
    )


def _key(columns: Sequence[Column], matches: Mapping[int, Match], entity: str) -> Match | None:
    """Return the column by which a row is known: called so, or the first whose values are unique."""
    named = next((match for match in matches.values() if match.place == ("any", "key")), None)
    if named is not None and named.column.found.kind not in ("email", "date", "datetime"):
        return named
    found = [key for column in columns if (key := _unique(column, matches.get(column.at), entity)) is not None]
    return max(found, key=lambda key: key.confidence, default=None)


def _unique(column: Column, own: Match | None, entity: str) -> Match | None:
    """Return a column as the key, if it may be one: an identifier, people's addresses, names, or the first column."""
    if not column.unique or column.rows < 2 or column.found.kind not in ("text", "number", "choice", "email"):
        return None
    ids = plain(column.header).split()[-1:] in (["id"], ["number"], ["key"], ["code"])
    mail = entity == "contact" and own is not None and own.place == ("points", "email")
    names = own is not None and own.place[0] == entity and own.place[1] in _NAMES
    if not (mail or names or (own is None and (ids or column.at == 0)) or (own is not None and own.place[1] == "key")):
        return None
    confidence = 0.9 if ids else 0.7 if mail else 0.6 if column.at == 0 else LEAST
    return Match(column, ("any", "key"), confidence, f"{'' if ids else 'NOT SURE: '}no two rows have the same value")
