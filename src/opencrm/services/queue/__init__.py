"""The queue: journal lines fanned out to the plugins that listen; each delivered at least once, in order by record."""

from opencrm.services.queue.barring import NOTHING, Barred, channels_under_way
from opencrm.services.queue.circuits import Circuit, troubles
from opencrm.services.queue.claiming import MOST, claim, held_until, next_at, prolong, still_held
from opencrm.services.queue.deliveries import MOST_ATTEMPTS, Delivery
from opencrm.services.queue.ending import Failure, finish, give_back, leave_out
from opencrm.services.queue.filling import anything_pending, channel_of, fan_out, forget, pass_on
from opencrm.services.queue.leases import LEASE
from opencrm.services.queue.once import first_time, storable, storable_error

__all__ = [
    "LEASE",
    "MOST",
    "MOST_ATTEMPTS",
    "NOTHING",
    "Barred",
    "Circuit",
    "Delivery",
    "Failure",
    "anything_pending",
    "channel_of",
    "channels_under_way",
    "claim",
    "fan_out",
    "finish",
    "first_time",
    "forget",
    "give_back",
    "held_until",
    "leave_out",
    "next_at",
    "pass_on",
    "prolong",
    "still_held",
    "storable",
    "storable_error",
    "troubles",
]
