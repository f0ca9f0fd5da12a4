"""What people are called, where the journal and errors have their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from opencrm.cli.lists import harmless

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

_PERSON = re.compile(r"user:([0-9a-f-]{36})")


def named(reader: Reader, texts: Iterable[str]) -> Mapping[str, str]:
    """Return texts with the names of people in place of their ids, by text; whom the reader does not know stays an id.

    Args:
        reader: Whoever is told.
        texts: Such as `user:0190...` of a snapshot, or an error's message that has that in it.
    """
    from opencrm.core.entities import User
    from opencrm.services.reading.naming import names_of

    several = set(texts)
    ids = {id for text in several for id in _PERSON.findall(text)}
    names = names_of(reader, reader.entity(User), ids, deleted=None) if ids else {}
    return {text: _PERSON.sub(lambda found: harmless(names.get(found[1]) or found[0]), text) for text in several}
