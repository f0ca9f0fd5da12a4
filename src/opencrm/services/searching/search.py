"""Search, as a service."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm.core.entity import Entity, Spec
from opencrm.core.search import question
from opencrm.errors import InputError
from opencrm.services.reading.reader import Reader
from opencrm.services.searching.asking import Asked
from opencrm.services.searching.finding import find
from opencrm.services.searching.hits import Hit, dressed
from opencrm.services.searching.reach import reach_of

MOST = 100


def search(
    reader: Reader,
    text: str,
    entities: Sequence[type[Entity] | Spec | str] | None = None,
    *,
    limit: int = 20,
) -> tuple[Hit, ...]:
    """Return the records that answer a text, the best first.

    Each word of the text must begin a word of one of the record's fields or of its parts; case and accents do not
    count. A telephone number may be written in any notation. Where the database can (PostgreSQL with `pg_trgm`),
    names that are written much alike come last. A record whose field is the text comes before one whose field
    begins like it, that before others; the field that names a record comes before its other fields; and what was
    entered later before what was entered earlier.

    Args:
        reader: Who searches: only records and fields within reach are looked into.
        text: Any text.
        entities: Where to search; by default everywhere.
        limit: The most hits; 1 to 100.

    Raises:
        InputError: No word of the text has two letters or digits, or the limit cannot be used.
        NotFound: There is no such entity.
    """
    if not 1 <= limit <= MOST:
        raise InputError({"limit": [f"must lie between 1 and {MOST}"]})
    configuration = reader.configuration
    asked = Asked(question(text, configuration.locale.region), reach_of(reader, entities), reader.tx.sqlite)
    return dressed(reader, find(reader.tx, asked, configuration.catalogue.entities, limit), asked.question)
