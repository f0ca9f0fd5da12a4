"""Access, as a step of the write path: may this principal do this to these records and fields, before and after?"""

from opencrm.services.writing.judging.changes import judge, refusals

__all__ = ["judge", "refusals"]
