"""Giving a condition its types: what a person wrote becomes values of the fields' types, checked field by field.

What is written has many words, what is bound few: relative days become instants, `me` an id, a prefix a range, a
path a link to a record that may be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import attrs

from opencrm.core.conditions.asker import Asker
from opencrm.core.conditions.binding.leaves import bound_leaf
from opencrm.core.conditions.limits import check_comparisons, check_size
from opencrm.core.conditions.nodes import All, AnyOf, Condition, Empty, Leaf, Link, Not, Referring, all_of, leaves
from opencrm.core.conditions.operators import NAMES, has_operator, operators
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import parted
from opencrm.core.fields import Amount, Field, Reference
from opencrm.core.locale import Locale
from opencrm.errors import InputError


def bind(
    item: Condition, spec: Spec, readable: Collection[str], locale: Locale, asker: Asker | None = None
) -> Condition:
    """Return the condition with typed values, ready to be compiled.

    Args:
        item: The condition as it was written.
        spec: The entity that it is about.
        readable: The fields that its author may read; another one does not exist for them.
        locale: Gives an amount without a currency the workspace's.
        asker: Whoever asks; without them there are no relative days, no `me` and no paths.

    Raises:
        InputError: A field is unknown or cannot be compared so; names the field.
    """
    check_size(item)
    found = _Binder(spec, readable, locale, asker).bind(item)
    check_comparisons(found)
    return found


def fields_of(item: Condition) -> Iterator[str]:
    """Name the fields of the record itself that a condition looks at; of a path, what its head may stand for."""
    for leaf in leaves(item):
        reference, name = parted(leaf.field)
        yield from (reference, f"{reference}_id") if reference else (name,)


def linked_fields_of(item: Condition) -> Iterator[str]:
    """Name the fields of linked records that a condition looks at."""
    for leaf in leaves(item):
        reference, name = parted(leaf.field)
        if isinstance(leaf, Link):
            yield from fields_of(leaf.item)
        elif reference:
            yield name


class _Binder:
    def __init__(
        self, spec: Spec, readable: Collection[str], locale: Locale, asker: Asker | None, path: str = ""
    ) -> None:
        self._spec = spec
        self._readable = readable
        self._locale = locale
        self._asker = asker
        self._path = path

    def bind(self, item: Condition) -> Condition:
        match item:
            case All(items):
                return All(tuple(map(self.bind, items)))
            case AnyOf(items):
                return AnyOf(tuple(map(self.bind, items)))
            case Not(inner):
                return Not(self.bind(inner))
            case Link(head, _, inner):
                return self._link(head, inner, head)
            case Referring():
                raise TypeError("Referring is made by access, and bound as it is")
        return self._along(item) if "." in item.field else self._leaf(item)

    def _along(self, item: Leaf) -> Condition:
        """Bind what is asked of the record that a path leads to; where it leads to none, all of it is missing."""
        reference, name = parted(item.field)
        inner = attrs.evolve(item, field=name)
        if isinstance(item, Empty):
            return Not(self._link(reference, Not(inner), item.field))
        return self._link(reference, inner, item.field)

    def _link(self, head: str, inner: Condition, written: str) -> Condition:
        if self._path:
            raise InputError({self._path + written: ["goes more than one step"]})
        if self._asker is None:
            raise InputError({written: ["cannot be used here: it leads to another record"]})
        field = self._reference(head, written)
        target = self._asker.entities.get(field.type.to) if isinstance(field.type, Reference) else None
        if target is None:
            raise self._unknown(written)
        asker, locale = self._asker, self._locale
        wanted = _Binder(target, asker.readable(target), locale, asker, f"{head}.").bind(inner)
        return Link(field.name, target.name, all_of((wanted, asker.scope(target))))

    def _reference(self, head: str, written: str) -> Field:
        """Return the reference that a path begins with: `company` or `company_id`."""
        known = [
            self._spec.fields[name]
            for name in (head, f"{head}_id")
            if name in self._readable and name in self._spec.fields
        ]
        found = next((field for field in known if isinstance(field.type, Reference)), None)
        if found is None and known:
            raise InputError({self._path + written: [f"{head} refers to no record"]})
        if found is None:
            raise self._unknown(written)
        return found

    def _leaf(self, item: Leaf) -> Condition:
        field = self._spec.fields.get(item.field) if item.field in self._readable else None
        if field is None:
            raise self._unknown(item.field, self._along_hint(f"{item.field}_id"))
        self._check_operator(item, field)
        try:
            return bound_leaf(item, field, self._locale, self._asker)
        except ValueError as error:
            raise InputError({self._path + item.field: [f"{error}{self._along_hint(item.field)}"]}) from None

    def _along_hint(self, name: str) -> str:
        """Say how records are found by those that a reference leads to, where there is such a reference."""
        kind = self._spec.fields[name].type if name in self._readable and name in self._spec.fields else None
        if not isinstance(kind, Reference) or self._asker is None or self._path:
            return ""
        target = self._asker.entities.get(kind.to)
        known = self._asker.readable(target) if target else ()
        asked = [it for it in (*target.options.lookup, target.options.display) if it in known] if target else []
        return f"; ask for {name.removesuffix('_id')}.{asked[0]}, or for an id in {name}" if asked else ""

    def _check_operator(self, item: Leaf, field: Field) -> None:
        written, name = self._path + field.name, NAMES[type(item)]
        if not has_operator(field, name):
            raise InputError({written: [f"cannot be asked for {name}: it has {', '.join(operators(field))}"]})
        if name == "changed" and self._asker is not None and not self._asker.journal:
            raise InputError({written: ["cannot be asked for changed here"]})
        if isinstance(field.type, Amount) and name not in ("empty", "changed") and not self._knows_currency(field.type):
            raise InputError({written: ["cannot be compared, since its currency may not be read"]})

    def _knows_currency(self, kind: Amount) -> bool:
        return kind.currency in self._readable or kind.currency not in self._spec.fields

    def _unknown(self, written: str, hint: str = "") -> InputError:
        return InputError({self._path + written: [f"{self._spec.name} has no such field{hint}"]})
