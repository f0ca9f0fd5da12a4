"""What rules may know of a workspace."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Locale:
    """The habits of a workspace's country.

    Args:
        region: ISO 3166 code of the country whose national phone numbers are understood.
        currency: ISO 4217 code that an amount without a currency has.
        zone: IANA name of the time zone in which dates without a zone are read.
    """

    region: str = "GB"
    currency: str = "EUR"
    zone: str = "Europe/London"
