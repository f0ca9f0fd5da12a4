"""For authors of web applications: neutral declarations, with no web framework in them."""

from opencrm.hooks.declarations import WebApp

__all__ = ["WebApp"]
