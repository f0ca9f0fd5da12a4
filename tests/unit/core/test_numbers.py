"""Numbers and amounts with bounds: refused with a sentence, and told in schemas."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opencrm import Amount, Number
from opencrm.schemas.marshmallow_fields import json_schema


@pytest.mark.parametrize("raw", ["0", "-5", "0.0099", -1])
def test_a_payment_is_more_than_nothing(raw: object) -> None:
    with pytest.raises(ValueError, match=r"must be at least 0\.01"):
        Amount(least="0.01").parse(raw)


def test_bounds_themselves_are_within() -> None:
    share = Number(least=0, most="99.5")
    assert [share.parse(raw) for raw in ("0", "99.50")] == [Decimal(0), Decimal("99.5")]
    with pytest.raises(ValueError, match=r"must be at most 99\.5"):
        share.parse("99.5001")


def test_schemas_tell_bounds_of_what_comes_in() -> None:
    assert json_schema(Amount(least="0.01"), "in", nullable=False)["minimum"] == 0.01
    assert "minimum" not in json_schema(Amount(), "in", nullable=False)
    assert "minimum" not in json_schema(Amount(least="0.01"), "out", nullable=False)


def test_a_bound_is_a_number() -> None:
    with pytest.raises(ValueError, match="number"):
        Amount(least="much")
