"""The first set-up of a workspace."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import inspect, select

from opencrm.core.access.grants import EVERYTHING, check_field_rules, grant_rows
from opencrm.core.access.principal import Principal
from opencrm.core.entities import Membership, Role, Unit, User
from opencrm.core.locale import Locale
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError
from opencrm.hooks import PRESETS, RoleTemplate
from opencrm.services import records
from opencrm.services.analysing import recounting
from opencrm.services.commands import Create
from opencrm.services.writing.work import Work
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

_OWNER = RoleTemplate(key="owner", name="Owner", rank=1000, grants=(EVERYTHING,), delegable=(EVERYTHING,))


def prepare(tx: Transaction, locale: Locale, now: datetime, version: Id) -> None:
    """Write the workspace's one row.

    Raises:
        ConfigurationError: It is there: the workspace is set up already.
    """
    if tx.query("workspace", lambda: select(tables.workspace), {}):
        raise ConfigurationError(
            "this workspace is set up already: open it and act as crm.principal(...) or crm.sole_owner(); "
            "to begin anew, delete its file or name another one"
        )
    row = {
        "id": 1,
        "config_version": version,
        "secret": secrets.token_hex(32),
        "region": locale.region,
        "currency": locale.currency,
    }
    tx.insert(tables.workspace, [row | {"zone": locale.zone, "created_at": now}])
    recounting.begin(tx, now)


def first_owner(work: Work, *, owner: str, email: str | None, unit: str, preset: str) -> Principal:
    """Make the roles of the preset's templates, the root of the tree, and the owner."""
    roles = _roles(work, preset)
    [root] = records.create(work, [Create(Unit, name=unit)])
    [user] = records.create(work, [Create(User, name=owner, email=email)])
    seat = Create(Membership, user_id=user.record_id, unit_id=root.record_id, role_id=roles, is_head=True)
    records.create(work, [seat])
    return Principal.user(user.record_id)


def has_tables(tx: Transaction) -> bool:
    """Say whether the core's tables are there."""
    return inspect(tx.connection).has_table(tables.plugin.name, schema=tx.statements.schema)


def check_preset(preset: str) -> None:
    """Refuse the name of a preset that there is none of.

    Raises:
        ConfigurationError: It is none of them.
    """
    if preset not in PRESETS:
        raise ConfigurationError(f"there is no preset {preset!r}: choose one of {', '.join(PRESETS)}")


def _roles(work: Work, preset: str) -> Id:
    """Make the roles; return the id of the one that makes an owner."""
    every = work.configuration.catalogue.roles.values()
    templates = [each for each in every if preset in ("full", *each.presets)]
    if not any(EVERYTHING in template.grants for template in templates):
        templates.append(_OWNER)
    made = records.create(work, [Create(Role, values=_values(template)) for template in templates])
    return next(line.record_id for line, it in zip(made, templates, strict=True) if EVERYTHING in it.grants)


def _values(template: RoleTemplate) -> dict[str, object]:
    return {
        "key": template.key,
        "name": template.name,
        "rank": template.rank,
        "grants": grant_rows(template.grants),
        "delegable": grant_rows(template.delegable),
        "field_rules": check_field_rules([*template.field_rules]),
    }
