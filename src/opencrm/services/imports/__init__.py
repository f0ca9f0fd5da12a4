"""Imports: how far each has come, and how one is taken back as a whole."""

from opencrm.services.cleaning.culprits import Refusal
from opencrm.services.imports.jobs import ImportJob, ImportJobs, job, jobs, jobs_named, jobs_of
from opencrm.services.imports.taking_back import Undone, undo

__all__ = ["ImportJob", "ImportJobs", "Refusal", "Undone", "job", "jobs", "jobs_named", "jobs_of", "undo"]
