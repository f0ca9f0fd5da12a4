"""Giving a condition its types: what a person wrote becomes values of the fields' types, checked field by field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

from opencrm.core.conditions.nodes import All, AnyOf, Condition, Empty, Equal, Greater, In, Less, Link, Not
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Currency, Field, FieldType, Text
from opencrm.core.locale import Locale
from opencrm.core.values import Money, fold
from opencrm.errors import InputError

Entities: TypeAlias = Mapping[str, Spec]


def bind(item: Condition, spec: Spec, readable: Collection[str], locale: Locale) -> Condition:
    """Return the condition with typed values, ready to be compiled.

    Args:
        item: The condition as it was written; a `Link` is taken as bound already.
        spec: The entity that it is about.
        readable: The fields that its author may read; another one does not exist for them.
        locale: Gives an amount without a currency the workspace's.

    Raises:
        InputError: A field is unknown or cannot be compared so; names the field.
    """
    match item:
        case All(items):
            return All(tuple(bind(each, spec, readable, locale) for each in items))
        case AnyOf(items):
            return AnyOf(tuple(bind(each, spec, readable, locale) for each in items))
        case Not(inner):
            return Not(bind(inner, spec, readable, locale))
        case Link():
            return item
    return _leaf(item, _field(spec, item.field, readable), locale)


def fields_of(item: Condition) -> Iterator[str]:
    """Name the fields of the record itself that a condition looks at."""
    match item:
        case All(items) | AnyOf(items):
            for each in items:
                yield from fields_of(each)
        case Not(inner):
            yield from fields_of(inner)
        case _:
            yield item.field


def _field(spec: Spec, name: str, readable: Collection[str]) -> Field:
    found = spec.fields.get(name) if name in readable else None
    if found is None:
        raise InputError({name: [f"{spec.name} has no such field"]})
    if not found.type.filterable:
        raise InputError({name: ["cannot be used in a condition"]})
    return found


def _leaf(item: Equal | Less | Greater | In | Empty, field: Field, locale: Locale) -> Condition:
    if isinstance(item, Empty):
        return item
    if isinstance(item, Less | Greater) and not field.type.ordered:
        raise InputError({field.name: ["has no order: use equal or in"]})
    if isinstance(field.type, Amount):
        return _money(item, field.name, field.type, locale)
    if isinstance(item, In):
        return In(field.name, tuple(_typed(field, value) for value in item.values))
    return type(item)(field.name, _typed(field, item.value))


def _money(item: Equal | Less | Greater | In, name: str, kind: Amount, locale: Locale) -> Condition:
    """Compare amounts within one currency only."""
    if isinstance(item, In):
        return AnyOf(tuple(_money(Equal(name, value), name, kind, locale) for value in item.values))
    money = item.value if isinstance(item.value, Money) else _read_money(name, item.value, locale)
    amount = _parsed(name, Amount(), money.amount)
    return All((type(item)(name, amount), Equal(kind.currency, money.currency)))


def _read_money(name: str, raw: Any, locale: Locale) -> Money:
    number, _, code = raw.strip().partition(" ") if isinstance(raw, str) else (raw, "", "")
    amount = _parsed(name, Amount(), number)
    return Money(amount, _parsed(name, Currency(), code) if code else locale.currency)


def _typed(field: Field, raw: Any) -> Any:
    value = _parsed(field.name, field.type, raw)
    if value is None:
        raise InputError({field.name: ["must be compared with a value; for nothing, use empty"]})
    return fold(value) if isinstance(field.type, Text) else value


def _parsed(name: str, kind: FieldType[Any], raw: Any) -> Any:
    try:
        return kind.parse(raw)
    except ValueError as error:
        raise InputError({name: [str(error)]}) from None
