"""The nouns of a CRM: each declared once, in the file of its name."""

from __future__ import annotations

from opencrm.core.entities.activity import Activity
from opencrm.core.entities.base import Core, Owned
from opencrm.core.entities.company import Company
from opencrm.core.entities.contact import Contact, ContactPoint, Employment
from opencrm.core.entities.deal import Deal, DealLine
from opencrm.core.entities.files import File, FileVersion
from opencrm.core.entities.product import Price, Product
from opencrm.core.entities.reference import ExternalRef, Tag, Tagging
from opencrm.core.entities.staged import Staged
from opencrm.core.entities.task import Task
from opencrm.core.entities.workspace.definitions import CustomField
from opencrm.core.entities.workspace.organisation import Membership, Role, Unit, User
from opencrm.core.entities.workspace.process import PipelineDefinition, RuleDefinition
from opencrm.core.entities.workspace.sharing import Customer, Deputy, Share
from opencrm.core.entities.workspace.views import SavedView, Segment
from opencrm.core.entity import Entity, Options, Spec, complete, specs

complete(Core)

__all__ = [
    "Activity",
    "Company",
    "Contact",
    "ContactPoint",
    "Core",
    "CustomField",
    "Customer",
    "Deal",
    "DealLine",
    "Deputy",
    "Employment",
    "Entity",
    "ExternalRef",
    "File",
    "FileVersion",
    "Membership",
    "Options",
    "Owned",
    "PipelineDefinition",
    "Price",
    "Product",
    "Role",
    "RuleDefinition",
    "SavedView",
    "Segment",
    "Share",
    "Spec",
    "Staged",
    "Tag",
    "Tagging",
    "Task",
    "Unit",
    "User",
    "complete",
    "specs",
]
