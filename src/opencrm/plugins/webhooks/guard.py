"""Which addresses may be called: public ones alone, as the names resolve at that moment.

What an address says by itself is judged when it is written, in the transaction; where its name leads is asked only
outside of one, before each call.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import attrs

SECONDS_TO_RESOLVE = 3.0
"""How long a name may take to be resolved."""
MOST_ADDRESSES = 8
"""How many of a host's addresses are tried."""
_PORTS = {"https": 443, "http": 80}
_TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""Networks whose addresses stand for addresses of another network."""
_INSIDE = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.88.99.0/24", "3fff::/20")))
"""Networks that are told of as public ones and are none: a cloud's own services, relays, examples."""

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(ValueError):
    """The address may not be called."""


@attrs.frozen
class Target:
    """Where to connect, checked.

    Attributes:
        host: The name that the certificate must bear.
        port: The port.
        path: The path, with what follows it.
        secure: Whether the connection is encrypted.
        addresses: Where the host is, each of which may be called; so many at most.
    """

    host: str
    port: int
    path: str
    secure: bool
    addresses: tuple[str, ...]


def judge(url: str, intranet: Collection[str]) -> None:
    """Refuse an address that may not be called wherever its name leads; nobody else is asked.

    Args:
        url: The address.
        intranet: Hosts that may be called though they are no public ones, also without encryption; `"host"` or
            `"host:port"`.

    Raises:
        Refused: It may not be called; says why.
    """
    parts, inside = _judged(url, intranet)
    literal = None if inside else _literal(_host(parts))
    if literal is not None:
        _check_public(literal)


def checked(url: str, intranet: Collection[str]) -> Target:
    """Return where an address leads, after resolving its name: never inside a transaction.

    Args:
        url: The address.
        intranet: As for `judge`.

    Raises:
        Refused: It may not be called; says why.
    """
    parts, inside = _judged(url, intranet)
    host, port = _host(parts), _port(parts)
    found = _resolved(host, port)
    if not inside:
        for each in found:
            _check_public(each)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port, path, parts.scheme == "https", tuple(map(str, found[:MOST_ADDRESSES])))


def _judged(url: str, intranet: Collection[str]) -> tuple[SplitResult, bool]:
    """Return the parts of an address, and whether its host was named as one that may be called."""
    parts = _parsed(url)
    host = _host(parts)
    inside = host in intranet or f"{host}:{_port(parts)}" in intranet
    if parts.scheme != "https" and not (inside and parts.scheme == "http"):
        raise Refused("must begin with https://")
    if not inside and (host == "localhost" or host.endswith(".localhost")):
        raise Refused("leads to an address that is not public")
    return parts, inside


def _parsed(url: str) -> SplitResult:
    if not url.isprintable() or " " in url or not url.isascii() or "\\" in url:
        raise Refused("must be written in plain letters, without spaces")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise Refused("is no web address") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise Refused("must not hold a name or a password")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".").lower()
    if not host:
        raise Refused("names no host")
    return host


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def _literal(host: str) -> Address | None:
    """Return the address that a host is, however it is written; None where it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _resolved(host: str, port: int) -> list[Address]:
    """Return the addresses of a host, in the order in which they are to be tried."""
    threads = ThreadPoolExecutor(1, "opencrm resolving")
    try:
        asked: Future[list[str]] = threads.submit(_look_up, host, port)
        return [ipaddress.ip_address(each) for each in asked.result(SECONDS_TO_RESOLVE)]
    except (OSError, UnicodeError, ValueError, TooLate):
        raise Refused("names a host that cannot be found") from None
    finally:
        threads.shutdown(wait=False)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))


def _check_public(address: Address) -> None:
    plain = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
    of_no_host = any(plain in network for network in (*_TRANSLATED, *_INSIDE) if network.version == plain.version)
    of_a_site = isinstance(plain, ipaddress.IPv6Address) and plain.is_site_local
    if of_no_host or of_a_site or not plain.is_global or plain.is_multicast or plain.is_reserved:
        raise Refused("leads to an address that is not public")
