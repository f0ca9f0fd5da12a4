"""What a workspace asks of its database, statement by statement: for tests that hold a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from opencrm.app.crm import CRM


class Statements:
    """The statements in the order in which they were sent, `BEGIN` and `COMMIT` among them.

    Attributes:
        texts: Their SQL, on one line each.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []

    def clear(self) -> None:
        """Forget what was sent so far."""
        self.texts.clear()

    def add(self, text: str) -> None:
        """Note one more."""
        self.texts.append(" ".join(text.split()))

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return "\n".join(f"{at:3} {text[:160]}" for at, text in enumerate(self.texts, 1))


@contextmanager
def recorded(crm: CRM) -> Iterator[Statements]:
    """Record what is sent to a workspace's database."""
    found = Statements()
    listeners: dict[str, Callable[..., Any]] = {
        "before_cursor_execute": lambda _connection, _cursor, text, *_: found.add(text),
        "begin": lambda _connection: None if crm.database.sqlite else found.add("BEGIN"),
        "commit": lambda _connection: found.add("COMMIT"),
        "rollback": lambda _connection: found.add("ROLLBACK"),
    }
    for name, listener in listeners.items():
        event.listen(crm.database.engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in listeners.items():
            event.remove(crm.database.engine, name, listener)
