"""From a story's values to what the services are asked for, once the company stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from opencrm import Activity, Company, Contact, Create, Deal, History, Task
from opencrm.plugins.demo.business import CURRENCY, Branch, Colleague
from opencrm.plugins.demo.story import Errand, Firm, Line, Person, Sale, Touch

Ids = Mapping[str, str]
"""Ids by the name that the story uses."""


@attrs.frozen(kw_only=True)
class Desk:
    """Knows the ids of what is written already.

    Attributes:
        units: By city; the company itself by the empty name.
        users: By name.
        tags: By name.
        goods: Products by SKU.
        firms: By name.
        people: By name.
        sales: By number.
    """

    units: Ids
    users: Ids
    tags: Ids
    goods: Ids
    firms: Ids = attrs.field(factory=dict)
    people: Ids = attrs.field(factory=dict)
    sales: Mapping[int, str] = attrs.field(factory=dict)

    def firm(self, firm: Firm) -> Create[Company]:
        """Return the command that makes a company."""
        values = {
            "name": firm.name,
            "industry": firm.industry,
            "employees": firm.employees,
            "website": firm.website,
            "country": "United Kingdom",
            "city": firm.branch.city,
            "points": _points(firm.phone, firm.email),
            "taggings": self._taggings(firm.tags),
        }
        return Create(Company, values=values | self._place(firm.branch, firm.owner), history=History(firm.since))

    def person(self, person: Person) -> Create[Contact]:
        """Return the command that makes a contact, with the place where they work."""
        values = {
            "first_name": person.first,
            "last_name": person.last,
            "source": person.source,
            "points": _points(person.phone, person.email),
            "taggings": self._taggings(person.tags),
        }
        if person.firm is not None:
            values["employments"] = [{"company_id": self.firms[person.firm.name], "position": person.position}]
        return Create(Contact, values=values | self._place(person.branch, person.owner), history=History(person.since))

    def sale(self, sale: Sale) -> Create[Deal]:
        """Return the command that makes a deal where it stands, with the stages that it went through."""
        values = {
            "title": sale.title,
            "pipeline": sale.pipeline,
            "amount": sale.amount,
            "amount_from": "lines" if sale.lines else "hand",
            "currency": CURRENCY,
            "expected_close": sale.expected_close,
            "source": sale.person.source,
            "lost_reason": sale.lost_reason,
            "lines": [self._line(at, line) for at, line in enumerate(sale.lines)],
            "taggings": self._taggings(sale.tags),
        }
        place = self._client(sale) | self._place(sale.person.branch, sale.person.owner)
        return Create(Deal, values=values | place, history=History(sale.created_at, sale.moves))

    def touch(self, touch: Touch) -> Create[Activity]:
        """Return the command that makes an activity."""
        values = {
            "kind": touch.kind,
            "subject": touch.subject,
            "body": touch.body,
            "happened_at": touch.at,
            "minutes": touch.minutes,
            "direction": touch.direction,
        }
        return Create(Activity, values=values | self._about(touch.sale), history=History(touch.at))

    def errand(self, errand: Errand) -> Create[Task]:
        """Return the command that makes a task."""
        values = {
            "title": errand.title,
            "state": "done" if errand.done else "open",
            "due_at": errand.due_at,
        }
        return Create(Task, values=values | self._about(errand.sale), history=History(errand.created_at))

    def _line(self, position: int, line: Line) -> dict[str, Any]:
        return {
            "product_id": self.goods[line.article.sku],
            "title": line.article.name,
            "quantity": line.quantity,
            "price": line.price,
            "currency": CURRENCY,
            "discount": line.discount or None,
            "position": position,
        }

    def _about(self, sale: Sale) -> dict[str, Any]:
        place = self._place(sale.person.branch, sale.person.owner)
        return {"deal_id": self.sales[sale.number], **self._client(sale), **place}

    def _client(self, sale: Sale) -> dict[str, Any]:
        firm = sale.person.firm
        return {
            "contact_id": self.people[sale.person.name],
            "company_id": self.firms[firm.name] if firm else None,
        }

    def _place(self, branch: Branch, owner: Colleague) -> dict[str, Any]:
        return {"owner_id": self.users[owner.name], "unit_id": self.units[branch.city]}

    def _taggings(self, names: Iterable[str]) -> list[dict[str, Any]]:
        return [{"tag_id": self.tags[name]} for name in names]


def _points(phone: str, email: str) -> list[dict[str, Any]]:
    return [
        {"kind": "phone", "value": phone, "preferred": True},
        {"kind": "email", "value": email, "consent": "given"},
    ]
