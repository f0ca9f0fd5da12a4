"""What a process keeps of a workspace until its configuration version rises."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import Any

import attrs
from sqlalchemy import Select, bindparam, select

from opencrm.core.access.circles import Circle
from opencrm.core.access.grants import ACTIONS, ANY, Grant, read_field_rules, read_grants
from opencrm.core.access.guards import Guard
from opencrm.core.access.organisation import Deputyship, Organisation, RoleGrants
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.entities import Deputy, Role, Unit
from opencrm.core.entity import Spec
from opencrm.core.locale import Locale
from opencrm.core.rollups import Kept, kept
from opencrm.core.values import Id
from opencrm.hooks import Hooks
from opencrm.schemas import Schemas
from opencrm.services.reading.densities import Densities
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction


class KnownRights:
    """Rights that were worked out at one version, so that the next transaction of the same principal has them.

    They depend on the configuration and on the seats that are valid; what depends on the instant too does not belong
    into them. Safe across threads; those kept for longest are forgotten first.
    """

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Rights] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Rights]) -> Rights:
        """Return the rights of this key, made at their first use."""
        found = self._kept.get(key)
        if found is None:
            found = make()
            with self._lock:
                self._kept[key] = found
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found


@attrs.frozen(kw_only=True, eq=False)
class Configuration:
    """Everything that is decided by definitions and not by records, at one version.

    Attributes:
        version: The workspace's `config_version`.
        locale: The workspace's habits.
        secret: The key that signs cursors.
        organisation: The unit tree and the roles.
        catalogue: Entities and pipelines.
        schemas: Loading and dumping.
        hooks: The active plugins' hooks.
        granted: What was approved for each automation: of a plugin, and of a pipeline or rule of the workspace's own.
        counted: The entities of which every record stands on a counter.
        sandbox: Whether the workspace is for trying out, and its clock may be moved.
        rights: Those that were worked out already.
        densities: What is known of how dense scopes are.
        seated: The places of people to whom records were given, as they stand in the tables.
    """

    version: str
    locale: Locale
    secret: bytes
    organisation: Organisation
    catalogue: Catalogue
    schemas: Schemas
    hooks: Hooks
    granted: dict[str, Values]
    counted: frozenset[str] = frozenset()
    sandbox: bool = False
    rights: KnownRights = attrs.field(factory=KnownRights)

    @cached_property
    def actions(self) -> Mapping[str, frozenset[str]]:
        """What plugins bring that can be done to records, by entity."""
        found: dict[str, set[str]] = {}
        for it in self.hooks.actions():
            for entity in it.value.entities:
                found.setdefault(entity, set()).add(it.value.name)
        return {entity: frozenset(names) for entity, names in found.items()}

    def has_action(self, entity: str, action: str) -> bool:
        """Say whether something can be done to records of an entity, or with `*` of any: moves aside."""
        brought = chain.from_iterable(self.actions.values()) if entity == ANY else self.actions.get(entity, ())
        return action in ACTIONS or action in brought

    def approved(self, automation: str) -> tuple[Grant, ...] | None:
        """Return what an automation may do; None where there is no such one, or it is not enabled."""
        if automation not in self._approved and automation in self.granted:
            self._approved[automation] = read_grants(self.granted[automation]["grants"])
        return self._approved.get(automation)

    def shown(self, automation: str) -> frozenset[str] | None:
        """Return what services may show when an automation calls them; None of a plugin's, which is not bound."""
        return self.granted.get(automation, {}).get("shows") if "." in automation else None

    @cached_property
    def guards(self) -> tuple[Guard, ...]:
        """The restrictions that the active plugins bring."""
        return tuple(it.value for it in self.hooks.guards())

    @cached_property
    def circles(self) -> tuple[Circle, ...]:
        """The pipelines that not everybody may use."""
        several = (it for it in self.catalogue.pipelines.values() if it.roles)
        return tuple(Circle(entity=it.entity, pipeline=it.key, roles=it.roles) for it in several)

    @cached_property
    def rollups(self) -> Mapping[str, tuple[tuple[Spec, Kept], ...]]:
        """The roll-ups to keep, by the entity that they count, each with the entity that has it.

        One that looks at what a plugin brings is not kept while that plugin is not active; `misdeclared` tells of a
        plugin's own that never can be.
        """
        entities, found = self.catalogue.entities, defaultdict[str, list[tuple[Spec, Kept]]](list)
        for spec in entities.values():
            for field in spec.fields.values():
                if field.rollup is not None:
                    with suppress(ValueError):
                        found[field.rollup.over].append((spec, kept(field, spec, entities, self.locale)))
        return {name: tuple(several) for name, several in found.items()}

    _approved: dict[str, tuple[Grant, ...]] = attrs.field(factory=dict, init=False)
    densities: Densities = attrs.field(factory=Densities)
    seated: dict[Id, list[Values]] = attrs.field(factory=dict)


def load_organisation(tx: Transaction, version: str) -> Organisation:
    """Read the unit tree and the roles."""
    unit, role = Unit.__table__, Role.__table__
    units = tx.query(
        "organisation units",
        lambda: select(unit.c.id, unit.c.parent_id).where(unit.c.deleted_at.is_(None)),
        {},
    )
    roles = tx.query(
        "organisation roles",
        lambda: select(role.c.id, role.c.key, role.c.name, role.c.rank, role.c.grants, role.c.field_rules).where(
            role.c.deleted_at.is_(None)
        ),
        {},
    )
    return Organisation(
        version,
        {row["id"]: row["parent_id"] for row in units},
        {row["id"]: _role(row) for row in roles},
        tuple(map(_deputyship, tx.query("organisation deputies", _deputies, {}))),
    )


def _deputies() -> Select[Any]:
    deputy = Deputy.__table__
    names = ("of_id", "to_id", "valid_from", "valid_to", "entities")
    return select(*[deputy.c[name] for name in names]).where(deputy.c.deleted_at.is_(None)).order_by(deputy.c.id)


def _deputyship(row: Values) -> Deputyship:
    entities = None if row["entities"] is None else frozenset(row["entities"])
    return Deputyship(row["of_id"], row["to_id"], row["valid_from"], row["valid_to"], entities)


def _role(row: Values) -> RoleGrants:
    rules = {(rule.entity, rule.field): rule for rule in read_field_rules(row["field_rules"])}
    return RoleGrants(row["id"], row["key"], row["name"], row["rank"], read_grants(row["grants"]), rules)


def bump(tx: Transaction, version: str) -> None:
    """Tell every process that roles, definitions or plugins changed.

    Args:
        tx: The transaction of the change.
        version: A fresh id: one that a transaction took back must never come again with other content.
    """
    table = tables.workspace
    given = bindparam("version", type_=table.c.config_version.type)
    tx.run("bump configuration", lambda: table.update().values(config_version=given), [{"version": version}])
