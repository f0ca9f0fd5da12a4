"""Inventing the demo's deals, and what was said and done about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from opencrm import Pipeline, Stage
from opencrm.plugins.demo import words
from opencrm.plugins.demo.business import ARTICLES, Article
from opencrm.plugins.demo.clients import firms, people
from opencrm.plugins.demo.dates import some_day_of_the_year, within, working_time
from opencrm.plugins.demo.story import Errand, Line, Moves, Person, Sale, Story, Touch

DEALS: Mapping[str, int] = {"leads": 60, "sales": 190}
OUTCOMES = {"won": 45, "lost": 30, "open": 25}
STEP_DAYS = (2, 12)
OLD = timedelta(days=120)


def tell(seed: int, now: datetime, pipelines: Mapping[str, Pipeline]) -> Story:
    """Invent a year of the company; the same arguments give the same story.

    Args:
        seed: Another one, another story.
        now: Nothing in the story has happened after it; tasks may be due after it.
        pipelines: Must hold those of `DEALS`.
    """
    chance = Random(seed)
    clients = firms(chance, now)
    crowd = people(chance, now, clients)
    sales = tuple(_sales(chance, now, pipelines, crowd))
    touches = tuple(touch for sale in sales for touch in _touches(chance, now, sale))
    errands = tuple(errand for sale in sales for errand in _errands(chance, now, sale))
    return Story(firms=clients, people=crowd, sales=sales, touches=touches, errands=errands)


def ways(pipeline: Pipeline, end: str) -> list[tuple[str, ...]]:
    """Return the ways from the first stage to `end`, along allowed moves and never back; the longest last."""
    found: list[tuple[str, ...]] = []
    open_ways: deque[tuple[str, ...]] = deque([(pipeline.initial,)])
    while open_ways:
        way = open_ways.popleft()
        if way[-1] == end:
            found.append(way)
        open_ways.extend((*way, stage.key) for stage in pipeline.stages if _goes_on(pipeline, way, stage))
    return sorted(found, key=len) or [(pipeline.initial,)]


def _goes_on(pipeline: Pipeline, way: tuple[str, ...], stage: Stage) -> bool:
    here = pipeline.stage(way[-1])
    order = [each.key for each in pipeline.stages]
    ahead = order.index(stage.key) > order.index(way[-1])
    return here is not None and not here.closed and ahead and pipeline.allows(way[-1], stage.key)


def _sales(chance: Random, now: datetime, pipelines: Mapping[str, Pipeline], crowd: Sequence[Person]) -> Iterator[Sale]:
    wanted = [pipelines[key] for key, many in DEALS.items() for _ in range(many)]
    for number, pipeline in enumerate(wanted, 1):
        start = some_day_of_the_year(chance, now)
        person = chance.choice([each for each in crowd if each.since <= start] or crowd)
        moves = _moves(chance, now, pipeline, max(start, person.since))
        yield _sale(chance, now, person, number, (pipeline, moves))


def _sale(chance: Random, now: datetime, person: Person, number: int, walked: tuple[Pipeline, Moves]) -> Sale:
    pipeline, moves = walked
    stage = pipeline.stage(moves[-1][0])
    lines = _lines(chance, moves[0][1], now) if pipeline.kind == "sales" else ()
    wish = lines[0].article if lines else chance.choice(ARTICLES[:8])
    return Sale(
        number=number,
        title=f"{wish.series} for {person.firm.name if person.firm else person.name}",
        pipeline=pipeline.key,
        person=person,
        moves=moves,
        closed=stage is not None and stage.closed,
        lost_reason=chance.choice(words.LOST_REASONS) if stage is not None and stage.kind == "lost" else None,
        lines=lines,
        amount=sum((line.total for line in lines), Decimal()) or wish.price * chance.randint(2, 10),
        expected_close=(moves[-1][1] + timedelta(days=chance.randint(7, 60))).date(),
        tags=tuple(tag for tag in person.tags if tag != "key account"),
    )


def _moves(chance: Random, now: datetime, pipeline: Pipeline, start: datetime) -> Moves:
    """Walk towards an outcome until it is reached or the present is."""
    moves, at = [], start
    for stage in _way(chance, pipeline, old=now - start > OLD):
        if at > now:
            break
        moves.append((stage, at))
        at = working_time(chance, at + timedelta(days=chance.randint(*STEP_DAYS)))
    return tuple(moves)


def _way(chance: Random, pipeline: Pipeline, *, old: bool) -> tuple[str, ...]:
    """Choose where a deal goes if nothing stops it; what is lost may be lost early."""
    weights = OUTCOMES | ({"open": 5} if old else {})
    kinds = {kind: [stage.key for stage in pipeline.stages if _sort(stage) == kind] for kind in weights}
    possible = [kind for kind in weights if kinds[kind]]
    kind = chance.choices(possible, weights=[weights[each] for each in possible])[0]
    found = ways(pipeline, chance.choice(kinds[kind]))
    return chance.choice(found) if kind == "lost" else found[-1]


def _sort(stage: Stage) -> str:
    return stage.kind if stage.closed else "open"


def _lines(chance: Random, at: datetime, now: datetime) -> tuple[Line, ...]:
    main = chance.choice(ARTICLES[:11])
    extras = chance.sample(ARTICLES[11:], chance.randint(0, 3))
    return tuple(_line(chance, article, this_year=at.year == now.year) for article in (main, *extras))


def _line(chance: Random, article: Article, *, this_year: bool) -> Line:
    return Line(
        article=article,
        quantity=chance.randint(1, article.many),
        price=article.price if this_year else article.price_before,
        discount=chance.choices((0, 5, 10), weights=(6, 3, 1))[0],
    )


def _touches(chance: Random, now: datetime, sale: Sale) -> Iterator[Touch]:
    end = sale.last_move if sale.closed else now
    for kind, subject, body in chance.sample(words.CALLS, chance.randint(1, 4)):
        at = within(chance, sale.created_at, end)
        yield Touch(
            kind=kind,
            subject=subject,
            body=body,
            at=at,
            minutes=chance.choice((5, 10, 20, 45)) if kind in ("call", "meeting") else None,
            direction=None if kind == "note" else chance.choice(("in", "out")),
            sale=sale,
        )


def _errands(chance: Random, now: datetime, sale: Sale) -> Iterator[Errand]:
    if sale.closed:
        if chance.random() < 0.5:
            due = within(chance, sale.created_at, sale.last_move)
            yield Errand(
                title=chance.choice(words.ERRANDS),
                done=True,
                created_at=sale.created_at,
                due_at=due,
                sale=sale,
            )
        return
    due = working_time(chance, now + timedelta(days=chance.randint(-4, 14)))
    yield Errand(title=chance.choice(words.ERRANDS), done=False, created_at=sale.last_move, due_at=due, sale=sale)
