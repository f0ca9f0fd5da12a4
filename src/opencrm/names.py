"""Where the public names of the front door stand: each is loaded when it is first used."""

from __future__ import annotations

from types import MappingProxyType

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
        "Employment ExternalRef File FileVersion Membership Owned PipelineDefinition Price Product Role "
        "RuleDefinition SavedView Segment Share Staged Tag Tagging Task Unit User",
        "opencrm.core.entity": "Entity Options",
        "opencrm.core.fields": "Amount Choice Choices Currency Day Email Instant Key Link Number Phone RecordId "
        "Reference Rollup Structured Text Whole YesNo field",
        "opencrm.core.pipeline": "Pipeline Requirement Stage required",
        "opencrm.core.ports": "AfterDoor CheckDoor Door ServiceDoor",
        "opencrm.core.process.actions": "assign call create generate give move notify only_if send update wait",
        "opencrm.core.process.timing.calendars": "Calendar",
        "opencrm.core.process.events": "after assigned before cancelled changed created deleted done entered every "
        "left overdue rotten submitted",
        "opencrm.core.process.asking.forms": "Form",
        "opencrm.core.process.reports": "report",
        "opencrm.core.process.rules": "Rule",
        "opencrm.core.process.selectors": "creator head_of owner person pick",
        "opencrm.core.process.timing.slas": "Sla",
        "opencrm.core.process.tasks": "Escalation TaskSpec",
        "opencrm.core.process.values": "by value",
        "opencrm.core.process.asking.web_forms": "WebForm",
        "opencrm.core.values": "Money",
        "opencrm.errors": "AutomationLoop ConfigurationError ConflictError DomainError Duplicate InputError "
        "InvalidMove NotFound NotSignedIn Objected OpenCRMError PermissionDenied PluginError RequirementMissing "
        "SortNotIndexed TooManyAttempts TooManyRows Unavailable UndoRefused",
        "opencrm.hooks": "Action Exporter Importer RoleTemplate Service WebApp hookimpl",
        "opencrm.hooks.contents": "Upload UploadDoor",
        "opencrm.hooks.people": "IdentityDoor",
        "opencrm.services": "assigning explaining files imports organisation pipelines records searching tasks "
        "transferring undoing",
        "opencrm.services.analysing": "boards reports",
        "opencrm.services.analysing.reports": "Report",
        "opencrm.services.cleaning": "duplicates editing merging taking_back",
        "opencrm.services.cleaning.merging": "Merge",
        "opencrm.services.cleaning.steps": "MassEdit",
        "opencrm.services.commands": "Assign Create Delete History Move Restore Undo Update",
        "opencrm.services.notifying": "inbox",
        "opencrm.services.process.timing": "promises",
        "opencrm.services.reading.counting": "Count",
        "opencrm.services.reading.rows": "Page Query Record",
        "opencrm.services.searching.hits": "Hit",
        "opencrm.services.tasks": "Finish",
        "opencrm.services.viewing": "segments views",
    }
)
OF_MODULES = frozenset(
    {"opencrm.services", "opencrm.services.cleaning", "opencrm.services.notifying", "opencrm.services.process.timing"}
)
"""Packages whose modules are public, and not what stands in their own `__init__`."""

HOME = MappingProxyType({name: module for module, names in _FROM.items() for name in names.split()})
"""The module of each name."""
