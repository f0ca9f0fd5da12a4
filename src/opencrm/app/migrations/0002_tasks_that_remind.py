"""Let the tasks that are open remind people when they are due."""

import sqlalchemy as sa
from alembic import op

from opencrm.core.clock import SystemClock
from opencrm.core.columns import InstantColumn

revision = "0002"
down_revision = "0001"

_AHEAD = "state NOT IN ('done', 'cancelled') AND deleted_at IS NULL AND due_at > :now"


def upgrade() -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("crm_task")}
    for column in (sa.Column("wakes_at", InstantColumn()), sa.Column("rung", sa.Integer())):
        if column.name not in there:
            op.add_column("crm_task", column)
    told = sa.text(f"UPDATE crm_task SET wakes_at = due_at, rung = 0 WHERE wakes_at IS NULL AND {_AHEAD}")
    op.execute(told.bindparams(sa.bindparam("now", SystemClock().now(), type_=InstantColumn())))
