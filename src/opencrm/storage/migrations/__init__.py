"""Bringing a database to what the declarations say: the core's tables first, then each plugin's.

Each owner of tables is upgraded in a transaction of its own. A new owner's tables are created from their
declarations; later, what a declaration adds (a table, an optional column, an index) is found by comparing it
with the recorded snapshot, and anything else is the work of a script in the owner's package.
"""

from opencrm.storage.migrations.owner import CORE_OWNER, Owner
from opencrm.storage.migrations.upgrade import Applied, Current, Failed, Outcome, check, current, upgrade

__all__ = ["CORE_OWNER", "Applied", "Current", "Failed", "Outcome", "Owner", "check", "current", "upgrade"]
