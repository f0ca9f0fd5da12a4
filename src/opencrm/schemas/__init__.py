"""From raw to typed and back, generated from the declarations."""

from opencrm.schemas.dumping import Dumper
from opencrm.schemas.loading import NEW, Loaded, Rejected, Schemas

__all__ = ["NEW", "Dumper", "Loaded", "Rejected", "Schemas"]
