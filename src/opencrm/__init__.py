"""opencrm: a CRM framework whose entities, permissions and pipelines you declare, and whose rest are plugins.

The front door: every public name is found here, and loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opencrm.app.crm import CRM
    from opencrm.core.access.grants import FieldRule, Grant, Scope
    from opencrm.core.access.principal import Principal
    from opencrm.core.change import Change, JournalEntry, Kind, Objection
    from opencrm.core.conditions import (
        All,
        AnyOf,
        Condition,
        Empty,
        Equal,
        Greater,
        In,
        Less,
        Not,
        at_least,
        at_most,
        condition,
    )
    from opencrm.core.entities import (
        Activity,
        Company,
        Contact,
        ContactPoint,
        Deal,
        DealLine,
        Employment,
        ExternalRef,
        Membership,
        Owned,
        Price,
        Product,
        Role,
        Staged,
        Tag,
        Tagging,
        Task,
        Unit,
        User,
    )
    from opencrm.core.entity import Entity, Options
    from opencrm.core.fields import (
        Amount,
        Choice,
        Currency,
        Day,
        Email,
        Instant,
        Key,
        Link,
        Number,
        RecordId,
        Reference,
        Structured,
        Text,
        Whole,
        YesNo,
        field,
    )
    from opencrm.core.pipeline import Pipeline, Stage
    from opencrm.core.ports import AfterDoor, Door
    from opencrm.core.values import Money
    from opencrm.errors import (
        ConfigurationError,
        ConflictError,
        DomainError,
        Duplicate,
        InputError,
        InvalidMove,
        NotFound,
        NotSignedIn,
        Objected,
        OpenCRMError,
        PermissionDenied,
        PluginError,
        Unavailable,
        UndoRefused,
    )
    from opencrm.hooks import Exporter, Importer, RoleTemplate, WebApp, hookimpl
    from opencrm.services import assigning, organisation, pipelines, records, undoing
    from opencrm.services.commands import Assign, Create, Delete, History, Move, Restore, Undo, Update
    from opencrm.services.reading.rows import Page, Query, Record

_FROM = MappingProxyType(
    {
        "opencrm.app.crm": "CRM",
        "opencrm.core.access.grants": "FieldRule Grant Scope",
        "opencrm.core.access.principal": "Principal",
        "opencrm.core.change": "Change JournalEntry Kind Objection",
        "opencrm.core.conditions": "All AnyOf Condition Empty Equal Greater In Less Not at_least at_most condition",
        "opencrm.core.entities": "Activity Company Contact ContactPoint Deal DealLine Employment ExternalRef "
        "Membership Owned Price Product Role Staged Tag Tagging Task Unit User",
        "opencrm.core.entity": "Entity Options",
        "opencrm.core.fields": "Amount Choice Currency Day Email Instant Key Link Number RecordId Reference Structured "
        "Text Whole YesNo field",
        "opencrm.core.pipeline": "Pipeline Stage",
        "opencrm.core.ports": "AfterDoor Door",
        "opencrm.core.values": "Money",
        "opencrm.errors": "ConfigurationError ConflictError DomainError Duplicate InputError InvalidMove NotFound "
        "NotSignedIn Objected OpenCRMError PermissionDenied PluginError Unavailable UndoRefused",
        "opencrm.hooks": "Exporter Importer RoleTemplate WebApp hookimpl",
        "opencrm.services": "assigning organisation pipelines records undoing",
        "opencrm.services.commands": "Assign Create Delete History Move Restore Undo Update",
        "opencrm.services.reading.rows": "Page Query Record",
    }
)
_HOME = MappingProxyType({name: module for module, names in _FROM.items() for name in names.split()})

__all__ = [
    "CRM",
    "Activity",
    "AfterDoor",
    "All",
    "Amount",
    "AnyOf",
    "Assign",
    "Change",
    "Choice",
    "Company",
    "Condition",
    "ConfigurationError",
    "ConflictError",
    "Contact",
    "ContactPoint",
    "Create",
    "Currency",
    "Day",
    "Deal",
    "DealLine",
    "Delete",
    "DomainError",
    "Door",
    "Duplicate",
    "Email",
    "Employment",
    "Empty",
    "Entity",
    "Equal",
    "Exporter",
    "ExternalRef",
    "FieldRule",
    "Grant",
    "Greater",
    "History",
    "Importer",
    "In",
    "InputError",
    "Instant",
    "InvalidMove",
    "JournalEntry",
    "Key",
    "Kind",
    "Less",
    "Link",
    "Membership",
    "Money",
    "Move",
    "Not",
    "NotFound",
    "NotSignedIn",
    "Number",
    "Objected",
    "Objection",
    "OpenCRMError",
    "Options",
    "Owned",
    "Page",
    "PermissionDenied",
    "Pipeline",
    "PluginError",
    "Price",
    "Principal",
    "Product",
    "Query",
    "Record",
    "RecordId",
    "Reference",
    "Restore",
    "Role",
    "RoleTemplate",
    "Scope",
    "Stage",
    "Staged",
    "Structured",
    "Tag",
    "Tagging",
    "Task",
    "Text",
    "Unavailable",
    "Undo",
    "UndoRefused",
    "Unit",
    "Update",
    "User",
    "WebApp",
    "Whole",
    "YesNo",
    "assigning",
    "at_least",
    "at_most",
    "condition",
    "field",
    "hookimpl",
    "organisation",
    "pipelines",
    "records",
    "undoing",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'opencrm' has no attribute {name!r}")
    module = import_module(_HOME[name])
    return import_module(f"opencrm.services.{name}") if _HOME[name] == "opencrm.services" else getattr(module, name)


def __dir__() -> list[str]:
    return list(__all__)
