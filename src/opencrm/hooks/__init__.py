"""The contract with plugins: what they may declare and do, and how they are found, checked and called."""

from __future__ import annotations

from opencrm.hooks.declarations import PRESETS, Action, Cells, Exporter, Importer, RoleTemplate, Row, Service, WebApp
from opencrm.hooks.loading import Found, check_together, discover, fitting, load, load_all
from opencrm.hooks.markers import HOOK_API, hookimpl, hookspec
from opencrm.hooks.people import Attempt, Identity, IdentityDoor, Message
from opencrm.hooks.plugin import Plugin, Source, given_plugin, needs_of_services
from opencrm.hooks.registration import Implementation, arguments, hook_names
from opencrm.hooks.relay import Calls, Declared, Failed, Hooks

__all__ = [
    "HOOK_API",
    "PRESETS",
    "Action",
    "Attempt",
    "Calls",
    "Cells",
    "Declared",
    "Exporter",
    "Failed",
    "Found",
    "Hooks",
    "Identity",
    "IdentityDoor",
    "Implementation",
    "Importer",
    "Message",
    "Plugin",
    "RoleTemplate",
    "Row",
    "Service",
    "Source",
    "WebApp",
    "arguments",
    "check_together",
    "discover",
    "fitting",
    "given_plugin",
    "hook_names",
    "hookimpl",
    "hookspec",
    "load",
    "load_all",
    "needs_of_services",
]
