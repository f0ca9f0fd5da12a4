"""Who declares tables: the core or a plugin."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import attrs
from sqlalchemy import Table

from opencrm.storage.migrations.snapshot import Snapshot, snapshot

CORE_OWNER = "core"
"""The owner without whose tables nothing works: its failure is an error, a plugin's is a result."""

_NAME = r"[a-z][a-z0-9_]{0,47}"


@attrs.frozen(eq=False)
class Owner:
    """Tables and the scripts that change them.

    Args:
        name: `"core"` or the plugin's name.
        tables: All that it declares; they may refer to tables of owners before it, in other MetaData.
        scripts: Folder of alembic's revision files, if there are any.
    """

    name: str = attrs.field()
    tables: Sequence[Table]
    scripts: Path | None = None

    @name.validator
    def _check_name(self, _: object, name: str) -> None:
        if not re.fullmatch(_NAME, name):
            raise ValueError(f"{name!r}: an owner's name is up to 48 lower-case letters, digits and _")

    @cached_property
    def snapshot(self) -> Snapshot:
        """What its tables are declared to be."""
        return snapshot(self.tables)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of the declarations and the scripts' names: equal to the recorded one if up to date."""
        files = sorted(file.name for file in self.scripts.glob("*.py")) if self.scripts else []
        text = json.dumps([self.snapshot, files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
