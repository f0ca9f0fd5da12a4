"""The ways in which records come within reach: grants, deputyships, shares, tasks, and the whole of a part."""

from opencrm.core.access.reach.arms import DELEGATED, arms

__all__ = ["DELEGATED", "arms"]
