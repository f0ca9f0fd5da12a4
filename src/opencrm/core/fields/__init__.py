"""Field types and fields: one declaration gives the column, the check of what enters, and what leaves."""

from opencrm.core.fields.base import FieldType
from opencrm.core.fields.declaring import Author, Field, field
from opencrm.core.fields.numbers import Amount, Currency, Number, Whole, YesNo
from opencrm.core.fields.references import RecordId, Reference, Structured, parse_id
from opencrm.core.fields.texts import Choice, Email, Key, Link, Text
from opencrm.core.fields.times import Day, Instant

__all__ = [
    "Amount",
    "Author",
    "Choice",
    "Currency",
    "Day",
    "Email",
    "Field",
    "FieldType",
    "Instant",
    "Key",
    "Link",
    "Number",
    "RecordId",
    "Reference",
    "Structured",
    "Text",
    "Whole",
    "YesNo",
    "field",
    "parse_id",
]
