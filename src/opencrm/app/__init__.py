"""The composition root: a workspace, its worker and what serves it."""

from opencrm.app.crm import CRM
from opencrm.app.invocation import Invocation
from opencrm.app.worker import Worker

__all__ = ["CRM", "Invocation", "Worker"]
