"""Secrets of records as they stand, in clear: for whoever signs with them, past all rights, and for no plugin."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.values import Id
from opencrm.services.identity.secret import digest
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

TABLE = tables.record_secret


def find(tx: Transaction, entity: str, id: Id, *, of: str) -> tuple[str, Id] | None:
    """Return the secret of a record and who took it; None where nobody did, or for another value."""

    def build() -> Any:
        one = bindparam("one", type_=IdColumn())
        mine = (TABLE.c.entity == bindparam("entity", type_=key_column(100)), TABLE.c.record_id == one)
        same = TABLE.c.of == bindparam("digest", type_=key_column(64))
        return select(TABLE.c.secret, TABLE.c.user_id).where(*mine, same)

    rows = tx.query("record secret", build, {"entity": entity, "one": id, "digest": digest(of)})
    return (rows[0]["secret"], rows[0]["user_id"]) if rows else None
