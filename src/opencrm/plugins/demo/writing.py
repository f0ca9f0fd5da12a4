"""Writing a story into a workspace, through the services that everybody uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from opencrm import (
    CRM,
    Create,
    Entity,
    Membership,
    Principal,
    Product,
    Query,
    Role,
    Tag,
    Unit,
    Update,
    User,
    records,
)
from opencrm.embed import Work
from opencrm.plugins.demo import words
from opencrm.plugins.demo.business import (
    ARTICLES,
    BRANCHES,
    COLLEAGUES,
    COMPANY,
    CURRENCY,
    OWNER,
    Article,
    Colleague,
)
from opencrm.plugins.demo.desk import Desk
from opencrm.plugins.demo.story import Firm, Person, Story

ORIGIN = "demo"
CHUNK = 200

Step = Callable[[int], None]
"""Is told how many more records are written."""


def write(crm: CRM, owner: Principal, story: Story, step: Step) -> None:
    """Write a story.

    Args:
        crm: A workspace that has an owner and nothing else.
        owner: Its owner.
        story: What to write.
        step: Is told of the records written.
    """
    with crm.work(owner, origin=ORIGIN) as work:
        desk = _company(work, owner)
    with crm.work(owner, origin=ORIGIN) as work:
        firms = _create(work, map(desk.firm, story.firms), step)
        desk = attrs.evolve(desk, firms=_by_name(story.firms, firms))
        people = _create(work, map(desk.person, story.people), step)
        desk = attrs.evolve(desk, people=_by_name(story.people, people))
    with crm.work(owner, origin=ORIGIN) as work:
        sales = _create(work, map(desk.sale, story.sales), step)
        desk = attrs.evolve(desk, sales={sale.number: id for sale, id in zip(story.sales, sales, strict=True)})
        _create(work, map(desk.touch, story.touches), step)
        _create(work, map(desk.errand, story.errands), step)


def size(story: Story) -> int:
    """Return how many records a story has."""
    return sum(map(len, (story.firms, story.people, story.sales, story.touches, story.errands)))


def _create(work: Work, commands: Iterable[Create[Any]], step: Step) -> list[str]:
    """Make records of one entity; return their ids in order."""
    several = list(commands)
    made: list[str] = []
    for start in range(0, len(several), CHUNK):
        entries = records.create(work, several[start : start + CHUNK])
        made += [entry.record_id for entry in entries]
        step(len(entries))
    return made


def _by_name(values: Iterable[Firm | Person], ids: Iterable[str]) -> dict[str, str]:
    return {each.name: id for each, id in zip(values, ids, strict=True)}


def _company(work: Work, owner: Principal) -> Desk:
    """Make the branches, colleagues, tags and products."""
    units = _units(work)
    others = [each for each in COLLEAGUES if each is not OWNER]
    users = _all(work, User, [{"name": each.name, "email": each.email} for each in others])
    roles = {role.key: role.id for role in work.list(Query(Role)).rows}
    _all(work, Membership, [_seat(each, id, units, roles) for each, id in zip(others, users, strict=True)])
    return Desk(
        units=units,
        users={OWNER.name: owner.id} | dict(zip((each.name for each in others), users, strict=True)),
        tags=dict(zip(words.TAGS, _all(work, Tag, [{"name": name} for name in words.TAGS]), strict=True)),
        goods=_goods(work),
    )


def _units(work: Work) -> dict[str, str]:
    """Name the company and make its branches; return their ids by city, the company's by the empty name."""
    [company] = work.list(Query(Unit)).rows
    records.update(work, [Update(Unit, company.id, name=COMPANY)])
    made = _all(work, Unit, [{"name": branch.name, "parent_id": company.id} for branch in BRANCHES])
    return {"": company.id} | dict(zip((branch.city for branch in BRANCHES), made, strict=True))


def _seat(colleague: Colleague, user_id: str, units: Mapping[str, str], roles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "unit_id": units[colleague.city],
        "role_id": roles[colleague.role],
        "is_head": colleague.is_head,
    }


def _goods(work: Work) -> dict[str, str]:
    made = _all(work, Product, [_good(article, work.now.year) for article in ARTICLES])
    return dict(zip((article.sku for article in ARTICLES), made, strict=True))


def _good(article: Article, year: int) -> dict[str, Any]:
    new_year, old_year = f"{year}-01-01", f"{year - 1}-01-01"
    prices = [
        {"amount": article.price_before, "currency": CURRENCY, "valid_from": old_year, "valid_to": new_year},
        {"amount": article.price, "currency": CURRENCY, "valid_from": new_year},
    ]
    return {
        "name": article.name,
        "sku": article.sku,
        "series": article.series,
        "unit": article.unit,
        "prices": prices,
    }


def _all(work: Work, entity: type[Entity], rows: Iterable[dict[str, Any]]) -> list[str]:
    return [entry.record_id for entry in records.create(work, [Create(entity, values=row) for row in rows])]
