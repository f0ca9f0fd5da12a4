"""Keeping the documents of search in step with records: a step of storing, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import Delete, Update, bindparam, delete, update

from opencrm.core.change import Change
from opencrm.core.entity import Spec
from opencrm.core.search import HEAD, Document, documents
from opencrm.core.search.documents import decisive, looked_into
from opencrm.storage.search import document, entry
from opencrm.storage.transactions import Transaction

_ONE = ("record_id", "source_id", "field")
"""What tells a document from all others."""


@attrs.frozen
class Difference:
    """What changes do to documents.

    Attributes:
        entered: New ones.
        changed: Those with another text; they keep their keys.
        left: Those that are no more.
    """

    entered: list[Document] = attrs.field(factory=list)
    changed: list[Document] = attrs.field(factory=list)
    left: list[Document] = attrs.field(factory=list)

    def add(self, before: Iterable[Document], after: Iterable[Document]) -> None:
        """Add what leads from some documents of a record to others."""
        old, new = {_key(it): it for it in before}, {_key(it): it for it in after}
        for key, it in new.items():
            if key not in old:
                self.entered.append(it)
            elif it.text != old[key].text:
                self.changed.append(it)
        self.left.extend(it for key, it in old.items() if key not in new)

    def settle(self, tx: Transaction) -> None:
        """Store what changed and take away what left; what entered is inserted beside other rows."""
        if self.changed and tx.run("search change", _changing, list(map(_changed, self.changed))) < len(self.changed):
            # Some were not there: the field is looked into since, and documents of before were not made yet.
            tx.run("search leave", _leaving, list(map(_named, self.changed)))
            tx.insert(entry, list(map(row, self.changed)))
        if self.left:
            tx.run("search leave", _leaving, list(map(_named, self.left)))


def difference(groups: Mapping[Spec, Sequence[Change]], entities: Mapping[str, Spec]) -> Difference:
    """Return what changes, by entity, do to documents."""
    found = Difference()
    for spec, changes in groups.items():
        if looked_into(spec):
            for change in changes:
                _compare(found, spec, change, entities)
    return found


def entered(found: Difference) -> tuple[Any, list[dict[str, Any]]]:
    """Return the table of documents with its new rows."""
    return entry, list(map(row, found.entered))


def forget(tx: Transaction, labels: Iterable[str]) -> None:
    """Take away the documents of some fields; the worker makes them anew where search looks into these.

    Args:
        tx: The transaction in which search stops looking into them, or begins to.
        labels: What documents call the fields.
    """
    given = [{"label": label} for label in sorted(labels)]
    if given:
        named = document.c.field == bindparam("label", type_=document.c.field.type)
        tx.run("search forget", lambda: delete(document).where(named), given)


def row(it: Document) -> dict[str, Any]:
    """Return a document as a row."""
    return {**it._asdict(), "head": it.text[:HEAD]}


def _compare(found: Difference, spec: Spec, change: Change, entities: Mapping[str, Spec]) -> None:
    if change.before is None:
        found.entered.extend(documents(spec, change.after, entities))
    elif not decisive(spec).isdisjoint(change.fields):
        found.add(documents(spec, change.before, entities), documents(spec, change.after, entities))


def _key(it: Document) -> tuple[str, str]:
    return it.record_id, it.field


def _named(it: Document) -> dict[str, Any]:
    return {f"one_{name}": getattr(it, name) for name in _ONE}


def _changed(it: Document) -> dict[str, Any]:
    return {**_named(it), "new_head": it.text[:HEAD], "new_text": it.text}


def _leaving() -> Delete:
    return delete(document).where(*_same())


def _changing() -> Update:
    head, words = document.c.head, document.c.text
    new = {"head": bindparam("new_head", type_=head.type), "text": bindparam("new_text", type_=words.type)}
    return update(document).where(*_same()).values(new)


def _same() -> list[Any]:
    return [document.c[name] == bindparam(f"one_{name}", type_=document.c[name].type) for name in _ONE]
