"""The plugins in the box, by dotted name: they use the same doors as a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "standard_roles": "opencrm.plugins.standard_roles",
        "importing": "opencrm.plugins.importing",
        "exporting": "opencrm.plugins.exporting",
        "spreadsheets": "opencrm.plugins.spreadsheets",
        "jsonlines": "opencrm.plugins.jsonlines",
        "passwords": "opencrm.plugins.passwords",
        "rest": "opencrm.plugins.rest",
        "forms": "opencrm.plugins.forms",
        "smtp": "opencrm.plugins.smtp",
        "report": "opencrm.plugins.report",
    }
)
"""Active in every workspace."""

OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "sample_pipelines": "opencrm.plugins.sample_pipelines",
        "attribution": "opencrm.plugins.attribution",
        "last_touch": "opencrm.plugins.last_touch",
        "webhooks": "opencrm.plugins.webhooks",
        "documents": "opencrm.plugins.documents",
    }
)
"""Active where an owner enables them."""
