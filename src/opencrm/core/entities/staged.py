"""The fields of a record that stands in a pipeline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from opencrm.core.fields import Instant, Key, field


class Staged:
    """A record that goes through the stages of a pipeline."""

    pipeline: Mapped[str | None] = field(Key(64), changed_by="move")
    stage: Mapped[str | None] = field(Key(64), changed_by="move")
    stage_since: Mapped[datetime | None] = field(
        Instant(), label="In this stage since", changed_by="move", settable=False
    )
