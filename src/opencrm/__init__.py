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
    from opencrm.core.access.guards import Guard
    from opencrm.core.access.principal import Principal
    from opencrm.core.change import Change, JournalEntry, Kind, Objection
    from opencrm.core.conditions import (
        All,
        AnyOf,
        AtLeast,
        AtMost,
        Between,
        Changed,
        Condition,
        Contains,
        Empty,
        Equal,
        Greater,
        Has,
        In,
        Less,
        Not,
        StartsWith,
        at_least,
        at_most,
        condition,
    )
    from opencrm.core.custom import AddedField
    from opencrm.core.entities import (
        Activity,
        Company,
        Contact,
        ContactPoint,
        Customer,
        CustomField,
        Deal,
        DealLine,
        Deputy,
        Employment,
        ExternalRef,
        Membership,
        Owned,
        Price,
        Product,
        Role,
        SavedView,
        Segment,
        Share,
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
        Choices,
        Currency,
        Day,
        Email,
        Instant,
        Key,
        Link,
        Number,
        Phone,
        RecordId,
        Reference,
        Rollup,
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
        SortNotIndexed,
        TooManyAttempts,
        TooManyRows,
        Unavailable,
        UndoRefused,
    )
    from opencrm.hooks import Action, Exporter, Importer, RoleTemplate, WebApp, hookimpl
    from opencrm.services import (
        assigning,
        explaining,
        imports,
        organisation,
        pipelines,
        records,
        searching,
        transferring,
        undoing,
    )
    from opencrm.services.analysing import boards, reports
    from opencrm.services.analysing.reports import Report
    from opencrm.services.cleaning import duplicates, editing, merging, taking_back
    from opencrm.services.cleaning.merging import Merge
    from opencrm.services.cleaning.steps import MassEdit
    from opencrm.services.commands import Assign, Create, Delete, History, Move, Restore, Undo, Update
    from opencrm.services.reading.counting import Count
    from opencrm.services.reading.rows import Page, Query, Record
    from opencrm.services.searching.hits import Hit
    from opencrm.services.viewing import segments, views

_FROM = MappingProxyType(
    {
        "opencrm.app.crm": "CRM",
        "opencrm.core.access.grants": "FieldRule Grant Scope",
        "opencrm.core.access.guards": "Guard",
        "opencrm.core.access.principal": "Principal",
        "opencrm.core.change": "Change JournalEntry Kind Objection",
        "opencrm.core.conditions": "All AnyOf AtLeast AtMost Between Changed Condition Contains Empty Equal Greater "
        "Has In Less Not StartsWith at_least at_most condition",
        "opencrm.core.custom": "AddedField",
        "opencrm.core.entities": "Activity Company Contact ContactPoint Customer CustomField Deal DealLine Deputy "
        "Employment ExternalRef Membership Owned Price Product Role SavedView Segment Share Staged Tag Tagging Task "
        "Unit User",
        "opencrm.core.entity": "Entity Options",
        "opencrm.core.fields": "Amount Choice Choices Currency Day Email Instant Key Link Number Phone RecordId "
        "Reference Rollup Structured Text Whole YesNo field",
        "opencrm.core.pipeline": "Pipeline Stage",
        "opencrm.core.ports": "AfterDoor Door",
        "opencrm.core.values": "Money",
        "opencrm.errors": "ConfigurationError ConflictError DomainError Duplicate InputError InvalidMove NotFound "
        "NotSignedIn Objected OpenCRMError PermissionDenied PluginError SortNotIndexed TooManyAttempts "
        "TooManyRows Unavailable "
        "UndoRefused",
        "opencrm.hooks": "Action Exporter Importer RoleTemplate WebApp hookimpl",
        "opencrm.services": "assigning explaining imports organisation pipelines records searching transferring "
        "undoing",
        "opencrm.services.analysing": "boards reports",
        "opencrm.services.analysing.reports": "Report",
        "opencrm.services.cleaning": "duplicates editing merging taking_back",
        "opencrm.services.cleaning.merging": "Merge",
        "opencrm.services.cleaning.steps": "MassEdit",
        "opencrm.services.commands": "Assign Create Delete History Move Restore Undo Update",
        "opencrm.services.reading.counting": "Count",
        "opencrm.services.reading.rows": "Page Query Record",
        "opencrm.services.searching.hits": "Hit",
        "opencrm.services.viewing": "segments views",
    }
)
_OF_MODULES = frozenset({"opencrm.services", "opencrm.services.cleaning"})
"""Packages whose modules are public, and not what stands in their own `__init__`."""

_HOME = MappingProxyType({name: module for module, names in _FROM.items() for name in names.split()})

__all__ = [
    "CRM",
    "Action",
    "Activity",
    "AddedField",
    "AfterDoor",
    "All",
    "Amount",
    "AnyOf",
    "Assign",
    "AtLeast",
    "AtMost",
    "Between",
    "Change",
    "Changed",
    "Choice",
    "Choices",
    "Company",
    "Condition",
    "ConfigurationError",
    "ConflictError",
    "Contact",
    "ContactPoint",
    "Contains",
    "Count",
    "Create",
    "Currency",
    "CustomField",
    "Customer",
    "Day",
    "Deal",
    "DealLine",
    "Delete",
    "Deputy",
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
    "Guard",
    "Has",
    "History",
    "Hit",
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
    "MassEdit",
    "Membership",
    "Merge",
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
    "Phone",
    "Pipeline",
    "PluginError",
    "Price",
    "Principal",
    "Product",
    "Query",
    "Record",
    "RecordId",
    "Reference",
    "Report",
    "Restore",
    "Role",
    "RoleTemplate",
    "Rollup",
    "SavedView",
    "Scope",
    "Segment",
    "Share",
    "SortNotIndexed",
    "Stage",
    "Staged",
    "StartsWith",
    "Structured",
    "Tag",
    "Tagging",
    "Task",
    "Text",
    "TooManyAttempts",
    "TooManyRows",
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
    "boards",
    "condition",
    "duplicates",
    "editing",
    "explaining",
    "field",
    "hookimpl",
    "imports",
    "merging",
    "organisation",
    "pipelines",
    "records",
    "reports",
    "searching",
    "segments",
    "taking_back",
    "transferring",
    "undoing",
    "views",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'opencrm' has no attribute {name!r}")
    home = _HOME[name]
    return import_module(f"{home}.{name}") if home in _OF_MODULES else getattr(import_module(home), name)


def __dir__() -> list[str]:
    return list(__all__)
