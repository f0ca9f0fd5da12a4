"""For hosts and authors of commands and formats: what they need beyond the front door."""

from opencrm.app.invocation import Invocation
from opencrm.core.access.expressions import Reason
from opencrm.core.access.grants import grant_rows, read_grants
from opencrm.core.access.organisation import Organisation
from opencrm.core.clock import Clock, ManualClock, SystemClock, duration, monotonic
from opencrm.core.conditions import operators_of, plain, query_conditions
from opencrm.core.conditions.query import QUERY_OPERATORS, query_operators
from opencrm.core.custom import MOST_FIELDS
from opencrm.core.custom import RESERVED as RESERVED_FIELDS
from opencrm.core.entity import Spec, specs
from opencrm.core.fields import Field, FieldType
from opencrm.core.locale import Locale
from opencrm.core.values import fold
from opencrm.hooks.declarations import Row
from opencrm.hooks.people import Attempt, Identity, IdentityDoor, Message
from opencrm.schemas import Loaded, Schemas
from opencrm.services import tokens
from opencrm.services.definitions import roles as role_definitions
from opencrm.services.definitions import text as definitions
from opencrm.services.exporting import by_ending as exporters_by_ending
from opencrm.services.identity import account
from opencrm.services.identity.accounts import Accounts
from opencrm.services.identity.mail.sending import Invitation
from opencrm.services.identity.passwords.hashing import Cost
from opencrm.services.identity.policy import SignIn
from opencrm.services.identity.secret import SESSION as SESSION_PREFIX
from opencrm.services.identity.sessions import Opened
from opencrm.services.imports import ImportJob, ImportJobs, jobs_of
from opencrm.services.reading.counting import MOST_COUNTED
from opencrm.services.reading.reader import Reader
from opencrm.services.tokens import KeyInfo, principal_of
from opencrm.services.tokens import issue as issue_token
from opencrm.services.viewing.asking import asked as asked_conditions
from opencrm.services.viewing.asking import read as read_condition
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.writing.work import Work
from opencrm.storage.engines import make_engine, prepare_sqlite, writing

__all__ = [
    "MOST_COUNTED",
    "MOST_FIELDS",
    "QUERY_OPERATORS",
    "RESERVED_FIELDS",
    "SESSION_PREFIX",
    "Accounts",
    "Attempt",
    "Catalogue",
    "Clock",
    "Configuration",
    "Cost",
    "Field",
    "FieldType",
    "Identity",
    "IdentityDoor",
    "ImportJob",
    "ImportJobs",
    "Invitation",
    "Invocation",
    "KeyInfo",
    "Loaded",
    "Locale",
    "ManualClock",
    "Message",
    "Opened",
    "Organisation",
    "Reader",
    "Reason",
    "Row",
    "Schemas",
    "SignIn",
    "Spec",
    "SystemClock",
    "Work",
    "account",
    "asked_conditions",
    "definitions",
    "duration",
    "exporters_by_ending",
    "fold",
    "grant_rows",
    "issue_token",
    "jobs_of",
    "make_engine",
    "monotonic",
    "operators_of",
    "plain",
    "prepare_sqlite",
    "principal_of",
    "query_conditions",
    "query_operators",
    "read_condition",
    "read_grants",
    "role_definitions",
    "specs",
    "tokens",
    "writing",
]
