"""The nouns of a CRM: each declared once, in the file of its name."""

from __future__ import annotations

from opencrm.core.entities.activity import Activity
from opencrm.core.entities.base import Core, Owned
from opencrm.core.entities.company import Company
from opencrm.core.entities.contact import Contact, ContactPoint, Employment
from opencrm.core.entities.deal import Deal, DealLine
from opencrm.core.entities.definitions import CustomField
from opencrm.core.entities.organisation import Membership, Role, Unit, User
from opencrm.core.entities.product import Price, Product
from opencrm.core.entities.reference import ExternalRef, Tag, Tagging
from opencrm.core.entities.sharing import Customer, Deputy, Share
from opencrm.core.entities.staged import Staged
from opencrm.core.entities.task import Task
from opencrm.core.entities.views import SavedView, Segment
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
    "Membership",
    "Options",
    "Owned",
    "Price",
    "Product",
    "Role",
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
