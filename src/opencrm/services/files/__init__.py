"""Files on records: contents stored by their hash, versions, and who read what."""

from opencrm.services.files.adding import AddFile, AddVersion, add, add_version
from opencrm.services.files.reading import Reading, Version, give, readers, version, versions

__all__ = [
    "AddFile",
    "AddVersion",
    "Reading",
    "Version",
    "add",
    "add_version",
    "give",
    "readers",
    "version",
    "versions",
]
