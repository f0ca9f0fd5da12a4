"""Secrets of records, by which what goes out in their name is signed: shown once, and never again."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services import explaining, kept_secrets
from opencrm.services.delegation.refusals import denied
from opencrm.services.identity.secret import digest
from opencrm.services.reading.selecting import Of
from opencrm.storage.upserts import upsert

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


def take(work: Work, entity: Of, id: Id, *, of: str) -> str:
    """Make a record's secret, in the place of the one before, and return it: 32 bytes in Base64, not shown again.

    Whoever takes it answers for what is signed with it: it tells no more than they may know at that moment.

    Args:
        work: The work block, of a person who may change the record.
        entity: The record's entity.
        id: The record.
        of: The field whose value it is taken for, such as an address; of another value it is good for nothing.

    Raises:
        NotFound: There is no such record, or none that the principal may know of.
        PermissionDenied: The principal may not change it, or is no person, or a key that is narrowed.
        InputError: The field is empty.
    """
    spec = work.entity(entity)
    explaining.require(work, spec, id, "update")
    user = work.rights.user_id
    if user is None or work.rights.limits is not None:
        raise denied(work, f"{spec.name}.secret", "person", "only people take secrets, by no key that is narrowed")
    value = work.states(spec, [id])[id].get(of)
    if not value:
        raise InputError({of: ["is empty: the secret is taken for it"]})
    fresh = base64.b64encode(secrets.token_bytes(32)).decode()
    row = {"entity": spec.name, "record_id": id, "secret": fresh, "of": digest(value), "user_id": user, "at": work.now}
    key = ("entity", "record_id")
    work.tx.run("take secret", lambda: upsert(kept_secrets.TABLE, list(row), key, sqlite=work.tx.sqlite), [row])
    return fresh


def has(reader: Reader, entity: Of, id: Id, *, of: str) -> bool:
    """Say whether a record has a secret, taken for the value that a field holds now.

    Args:
        reader: The read block, of somebody who may read the record and the field.
        entity: The record's entity.
        id: The record.
        of: The field whose value it was taken for.

    Raises:
        NotFound: There is no such record, or none that the principal may know of.
    """
    found = reader.get(entity, id)
    value = found.get(of)
    return bool(value) and kept_secrets.find(reader.tx, reader.entity(entity).name, found.id, of=value) is not None
