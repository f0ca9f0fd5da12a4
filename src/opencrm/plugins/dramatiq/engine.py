"""A broker, and the actor that does what a message says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opencrm import CRM, ConfigurationError
from opencrm.embed import Parcel

if TYPE_CHECKING:
    from dramatiq import Broker

QUEUE = "opencrm"
_ACTOR = "opencrm_perform"
_LONGEST_MILLISECONDS = 24 * 3600 * 1000


def broker_at(url: str) -> Broker:
    """Return the broker of a URL: `redis://` or `valkey://`, or `amqp://` of RabbitMQ.

    Raises:
        ConfigurationError: It is of no known kind, or dramatiq is not installed.
    """
    scheme, _, rest = url.partition("://")
    try:
        if scheme in ("redis", "rediss", "valkey", "unix"):
            from dramatiq.brokers.redis import RedisBroker

            return RedisBroker(  # type: ignore[no-untyped-call]  # it says nothing of its arguments
                url=f"redis://{rest}" if scheme == "valkey" else url
            )
        if scheme in ("amqp", "amqps"):
            from dramatiq.brokers.rabbitmq import RabbitmqBroker

            return RabbitmqBroker(url=url, confirm_delivery=True)
    except ImportError as error:
        raise ConfigurationError(f"dramatiq is wanted: pip install 'opencrm[dramatiq]' ({error})") from None
    raise ConfigurationError(f"{scheme!r} is no broker: use redis://, valkey:// or amqp://")


def sending(broker: Broker, crm: CRM) -> Callable[[Parcel], None]:
    """Return what sends a parcel.

    Args:
        broker: Where to.
        crm: The workspace, which the receiving side opens by itself.
    """
    actor = actor_of(broker, crm)
    return lambda parcel: actor.send(parcel.plain()) and None


def actor_of(broker: Broker, crm: CRM) -> Any:
    """Return the actor that does what is sent; the queue tries again what fails, dramatiq does not."""
    import dramatiq

    if _ACTOR in broker.actors:
        return broker.actors[_ACTOR]

    def perform(message: dict[str, Any]) -> None:
        crm.perform(Parcel.of(message))

    made = dramatiq.actor(
        actor_name=_ACTOR,
        queue_name=QUEUE,
        broker=broker,
        max_retries=0,
        time_limit=_LONGEST_MILLISECONDS,
    )
    return made(perform)
