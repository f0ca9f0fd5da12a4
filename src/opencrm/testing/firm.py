"""A small firm that sells windows: enough units, people and scopes to tell one right from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import attrs

from opencrm.app.crm import CRM
from opencrm.core.access.grants import Grant, Scope, grant_rows
from opencrm.core.access.principal import Principal
from opencrm.core.entities import Membership, Role, Unit, User
from opencrm.core.pipeline import Pipeline, Stage
from opencrm.core.values import Id
from opencrm.hooks import hookimpl
from opencrm.services import organisation, records
from opencrm.services.commands import Create
from opencrm.services.reading.rows import Query
from opencrm.services.writing.work import Work

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When the clock of a test's workspace starts: a Monday, 9:00 UTC."""

WINDOWS = Pipeline(
    "windows",
    [
        Stage("new", probability=20),
        Stage("measuring", probability=35),
        Stage("offer", probability=50),
        Stage("waiting", kind="parked"),
        Stage("won", kind="won"),
        Stage("lost", kind="lost"),
    ],
    moves={
        ("new", "measuring"),
        ("new", "offer"),
        ("measuring", "offer"),
        ("offer", "measuring"),
        ("offer", "waiting"),
        ("waiting", "offer"),
        ("offer", "won"),
        ("*", "lost"),
        ("lost", "new"),
    },
)
"""The pipeline of deals."""

_WORK = ("activity", "company", "contact", "deal", "task")
_KNOWN = ("unit", "user", "role", "membership", "product", "tag")
_ACTS = ("create", "read", "update", "delete", "restore", "assign", "share", "export", "move:*")
_SCOPES = (("head", 600, Scope.SUBTREE), ("lead", 400, Scope.TEAM), ("seller", 300, Scope.OWN))
_UNITS = (("north", "HQ"), ("south", "HQ"), ("north_shop", "north"), ("north_field", "north"), ("south_shop", "south"))
_PEOPLE = (
    ("head", "head", "north"),
    ("lead", "lead", "north_shop"),
    ("seller", "seller", "north_shop"),
    ("fitter", "seller", "north_field"),
    ("stranger", "seller", "south_shop"),
    ("viewer", "viewer", "HQ"),
)
"""Name, role and unit; of two in one role and unit there are none, so a name says it all."""


class WindowSales:
    """The plugin that brings the firm's pipeline."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield WINDOWS


@attrs.frozen(kw_only=True)
class Firm:
    """The people of the firm, as principals, and its units.

        HQ                owner (everything), viewer (reads all, changes nothing)
          north           head (all work of the subtree)
            north_shop    lead (all work of the team), seller (own work)
            north_field   fitter (own work)
          south
            south_shop    stranger (own work)

    Attributes:
        units: The id of each unit, by its name.
        roles: The id of each role, by its key: `owner firm_head firm_lead firm_seller firm_viewer`, and
            those that plugins bring.
    """

    owner: Principal
    head: Principal
    lead: Principal
    seller: Principal
    fitter: Principal
    stranger: Principal
    viewer: Principal
    units: Mapping[str, Id]
    roles: Mapping[str, Id]


def set_up_firm(crm: CRM) -> Firm:
    """Set a fresh workspace up as the firm."""
    owner = crm.init(owner="owner", email="owner@example.com", unit="HQ")
    with crm.work(owner) as work:
        units = _add_units(work)
        roles = _add_roles(work)
        names = [name for name, _, _ in _PEOPLE]
        made = records.create(work, [Create(User, name=name, email=f"{name}@example.com") for name in names])
        seats = [
            Create(Membership, user_id=user.record_id, unit_id=units[unit], role_id=roles[role], is_head=role == "head")
            for user, (_, role, unit) in zip(made, _PEOPLE, strict=True)
        ]
        records.create(work, seats)
    return firm_of(crm)


def firm_of(crm: CRM) -> Firm:
    """Return the people and units of a workspace that was set up as the firm."""
    with crm.read(Principal.system("look up the people of a test")) as reader:
        people = {row["name"]: Principal.user(row["id"]) for row in reader.list(Query(User))}
        units = {row["name"]: row["id"] for row in reader.list(Query(Unit))}
        roles = {row["key"]: row["id"] for row in reader.list(Query(Role))}
    names = ("owner", *(name for name, _, _ in _PEOPLE))
    return Firm(units=units, roles=roles, **{name: people[name] for name in names})


def _add_units(work: Work) -> dict[str, Id]:
    units = {"HQ": organisation.find(work, Unit, "HQ")}
    for name, above in _UNITS:
        [made] = records.create(work, [Create(Unit, name=name, parent_id=units[above])])
        units[name] = made.record_id
    return units


def _add_roles(work: Work) -> dict[str, Id]:
    """Make the firm's own roles; nothing here relies on what a plugin brings."""
    wanted = [(key, rank, _acts(scope)) for key, rank, scope in _SCOPES] + [("viewer", 50, _reads(_WORK))]
    made = records.create(
        work,
        [
            Create(Role, key=f"firm_{key}", name=key, rank=rank, grants=grant_rows([*_reads(_KNOWN), *grants]))
            for key, rank, grants in wanted
        ],
    )
    return {key: line.record_id for (key, _, _), line in zip(wanted, made, strict=True)}


def _acts(scope: Scope) -> list[Grant]:
    return [Grant(entity, action, scope) for entity in _WORK for action in _ACTS]


def _reads(entities: tuple[str, ...]) -> list[Grant]:
    return [Grant(entity, "read", Scope.ALL) for entity in entities]
