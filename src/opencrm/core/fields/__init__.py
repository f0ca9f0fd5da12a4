"""Field types and fields: one declaration gives the column, the check of what enters, and what leaves."""

from opencrm.core.fields.base import FieldType
from opencrm.core.fields.declaring import Author, Field, field
from opencrm.core.fields.numbers import Amount, Currency, Number, Whole, YesNo
from opencrm.core.fields.references import RecordId, Reference, Structured, parse_id
from opencrm.core.fields.rollups import Rollup
from opencrm.core.fields.texts import Choice, Choices, Email, Key, Link, Phone, Text
from opencrm.core.fields.times import Day, Instant

__all__ = [
    "Amount",
    "Author",
    "Choice",
    "Choices",
    "Currency",
    "Day",
    "Email",
    "Field",
    "FieldType",
    "Instant",
    "Key",
    "Link",
    "Number",
    "Phone",
    "RecordId",
    "Reference",
    "Rollup",
    "Structured",
    "Text",
    "Whole",
    "YesNo",
    "field",
    "parse_id",
]
