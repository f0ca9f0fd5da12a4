"""The demo company itself: its branches, people and goods. Nothing here is left to chance."""

from __future__ import annotations

from decimal import Decimal

import attrs

COMPANY = "Clearmere Windows"
DOMAIN = "clearmere.example"
CURRENCY = "GBP"


@attrs.frozen
class Branch:
    """A unit below the company.

    Attributes:
        city: Where it is; also its key.
        dial: Its phone numbers without the last three digits; Ofcom keeps these ranges for fiction.
    """

    city: str
    dial: str

    @property
    def name(self) -> str:
        """What a person reads."""
        return f"{self.city} branch"


BRANCHES = (
    Branch("Leeds", "0113 496 0"),
    Branch("Manchester", "0161 496 0"),
    Branch("Bristol", "0117 496 0"),
)


@attrs.frozen
class Colleague:
    """A user.

    Attributes:
        name: Unique among them.
        role: Key of the role, from the plugin that brings the standard roles.
        city: The branch; empty for the company itself.
        is_head: Whether they lead their unit.
    """

    name: str
    role: str
    city: str = ""
    is_head: bool = False

    @property
    def email(self) -> str:
        """The address with which they sign in."""
        return f"{self.name.split()[0].lower()}@{DOMAIN}"

    @property
    def unit(self) -> str:
        """The name of the unit."""
        return Branch(self.city, "").name if self.city else COMPANY


OWNER = Colleague("Margaret Ellwick", "owner", is_head=True)
COLLEAGUES = (
    OWNER,
    Colleague("Tobias Farrowdale", "senior_manager"),
    Colleague("Ines Marlowick", "manager_1", "Leeds", is_head=True),
    Colleague("Rory Pellmere", "manager_1", "Manchester", is_head=True),
    Colleague("Sunita Varleigh", "manager_1", "Bristol", is_head=True),
    Colleague("Dylan Hexcombe", "manager_2", "Leeds"),
    Colleague("Freya Osterby", "manager_2", "Manchester"),
    Colleague("Colm Trevanick", "support"),
)


def sellers(city: str) -> tuple[Colleague, ...]:
    """Return who sells in a branch."""
    return tuple(each for each in COLLEAGUES if each.city == city)


@attrs.frozen
class Article:
    """A product with its price of this year, in pounds.

    Attributes:
        many: How many of it a deal may have.
    """

    sku: str
    name: str
    series: str
    unit: str
    price: Decimal
    many: int = 20

    @property
    def price_before(self) -> Decimal:
        """Last year's price: four per cent less, in whole pounds."""
        return (self.price * Decimal("0.96")).quantize(Decimal(1))


ARTICLES = (
    Article("CW-C60", "Casement window 60 x 90", "Casement windows", "piece", Decimal(320)),
    Article("CW-C120", "Casement window 120 x 120", "Casement windows", "piece", Decimal(485)),
    Article("CW-C180", "Casement window 180 x 120", "Casement windows", "piece", Decimal(690)),
    Article("CW-S90", "Sash window 90 x 150", "Sash windows", "piece", Decimal(880)),
    Article("CW-S120", "Sash window 120 x 180", "Sash windows", "piece", Decimal(1120)),
    Article("CW-T90", "Tilt and turn window 90 x 120", "Tilt and turn windows", "piece", Decimal(540)),
    Article("CW-T120", "Tilt and turn window 120 x 140", "Tilt and turn windows", "piece", Decimal(640)),
    Article("CW-R78", "Roof window 78 x 118", "Roof windows", "piece", Decimal(760), 6),
    Article("CW-D100", "Front door", "Doors", "piece", Decimal(1650), 4),
    Article("CW-D240", "Sliding door 240", "Doors", "piece", Decimal(2450), 4),
    Article("CW-D360", "Folding door 360", "Doors", "piece", Decimal(4200), 2),
    Article("CW-SILL", "Window sill", "Parts", "metre", Decimal(28), 40),
    Article("CW-BLIND", "External blind", "Parts", "piece", Decimal(310), 12),
    Article("CW-FIT", "Installation", "Services", "hour", Decimal(58), 60),
)
