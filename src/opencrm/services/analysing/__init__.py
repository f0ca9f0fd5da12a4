"""Boards and reports: what many records come to, for whoever may read them."""

from opencrm.services.analysing import boards, reports

__all__ = ["boards", "reports"]
