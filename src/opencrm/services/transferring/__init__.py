"""All that is somebody's, given to colleagues: in one act, however much it is."""

from opencrm.services.cleaning.pacing import MOST
from opencrm.services.transferring.planning import Given
from opencrm.services.transferring.running import Transfer, Transferred, run

__all__ = ["MOST", "Given", "Transfer", "Transferred", "run"]
