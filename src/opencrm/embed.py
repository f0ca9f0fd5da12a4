"""For hosts and authors of commands and formats: what they need beyond the front door."""

from opencrm.app.invocation import Invocation
from opencrm.app.working.delivering.dispatching import Parcel
from opencrm.core.access.expressions import Reason
from opencrm.core.access.grants import grant_rows, read_grants
from opencrm.core.access.organisation import Organisation
from opencrm.core.clock import Clock, Deadline, ManualClock, SystemClock, duration, monotonic
from opencrm.core.conditions import operators_of, plain, query_conditions
from opencrm.core.conditions.query import QUERY_OPERATORS, query_operators
from opencrm.core.custom import MOST_FIELDS
from opencrm.core.custom import RESERVED as RESERVED_FIELDS
from opencrm.core.entity import Spec, specs
from opencrm.core.fields import Field, FieldType
from opencrm.core.locale import Locale
from opencrm.core.process.reports import read as read_selector
from opencrm.core.process.reports import titled as report_title
from opencrm.core.values import fold
from opencrm.hooks.declarations import Row
from opencrm.hooks.people import Attempt, Identity, Message
from opencrm.schemas import Loaded, Schemas
from opencrm.services import record_secrets, tokens
from opencrm.services.definitions import roles as role_definitions
from opencrm.services.definitions import text as definitions
from opencrm.services.definitions.process import planning as process_plans
from opencrm.services.definitions.process import switching as rule_switches
from opencrm.services.definitions.process import text as process_texts
from opencrm.services.definitions.process.steps import Plan as ProcessPlan
from opencrm.services.definitions.process.steps import Step as ProcessStep
from opencrm.services.exporting import by_ending as exporters_by_ending
from opencrm.services.files import data as document_data
from opencrm.services.files.contents import Content, FileStore
from opencrm.services.identity import account
from opencrm.services.identity.accounts import Accounts
from opencrm.services.identity.mail.sending import Invitation
from opencrm.services.identity.passwords.hashing import Cost
from opencrm.services.identity.policy import SignIn
from opencrm.services.identity.secret import SESSION as SESSION_PREFIX
from opencrm.services.identity.sessions import Opened
from opencrm.services.imports import ImportJob, ImportJobs, jobs_of
from opencrm.services.notifying import choices as notification_choices
from opencrm.services.notifying import reporting
from opencrm.services.notifying.rendering import Notification
from opencrm.services.process.overseeing import history as run_history
from opencrm.services.process.overseeing import rehearsing as rule_rehearsals
from opencrm.services.process.overseeing.timeline import Happening, Happenings, timeline
from opencrm.services.process.submitting.asking import Asked as FormField
from opencrm.services.process.submitting.forms import Described as FormShown
from opencrm.services.process.submitting.forms import Forms
from opencrm.services.process.submitting.forms import Given as FormGiven
from opencrm.services.process.submitting.keeping import Submission, submissions
from opencrm.services.queue import overview as queue_overview
from opencrm.services.queue.channels import ChannelState
from opencrm.services.queue.channels import state_of as channel_state
from opencrm.services.reading.counting import MOST_COUNTED
from opencrm.services.reading.reader import Reader
from opencrm.services.tokens import KeyInfo, principal_of
from opencrm.services.tokens import issue as issue_token
from opencrm.services.viewing.asking import asked as asked_conditions
from opencrm.services.viewing.asking import read as read_condition
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.writing.work import Work
from opencrm.storage import demo_files
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
    "ChannelState",
    "Clock",
    "Configuration",
    "Content",
    "Cost",
    "Deadline",
    "Field",
    "FieldType",
    "FileStore",
    "FormField",
    "FormGiven",
    "FormShown",
    "Forms",
    "Happening",
    "Happenings",
    "Identity",
    "ImportJob",
    "ImportJobs",
    "Invitation",
    "Invocation",
    "KeyInfo",
    "Loaded",
    "Locale",
    "ManualClock",
    "Message",
    "Notification",
    "Opened",
    "Organisation",
    "Parcel",
    "ProcessPlan",
    "ProcessStep",
    "Reader",
    "Reason",
    "Row",
    "Schemas",
    "SignIn",
    "Spec",
    "Submission",
    "SystemClock",
    "Work",
    "account",
    "asked_conditions",
    "channel_state",
    "definitions",
    "demo_files",
    "document_data",
    "duration",
    "exporters_by_ending",
    "fold",
    "grant_rows",
    "issue_token",
    "jobs_of",
    "make_engine",
    "monotonic",
    "notification_choices",
    "operators_of",
    "plain",
    "prepare_sqlite",
    "principal_of",
    "process_plans",
    "process_texts",
    "query_conditions",
    "query_operators",
    "queue_overview",
    "read_condition",
    "read_grants",
    "read_selector",
    "record_secrets",
    "report_title",
    "reporting",
    "role_definitions",
    "rule_rehearsals",
    "rule_switches",
    "run_history",
    "specs",
    "submissions",
    "timeline",
    "tokens",
    "writing",
]
