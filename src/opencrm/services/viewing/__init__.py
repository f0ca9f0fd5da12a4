"""Saved views and segments: what they say, judged as it is saved and again for each who reads them."""

from opencrm.services.viewing import segments, views

__all__ = ["segments", "views"]
