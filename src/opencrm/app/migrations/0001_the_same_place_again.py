"""Let people come back to a place that they had."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS uq_crm_membership_user_id_unit_id_role_id")
