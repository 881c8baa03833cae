"""Where requests come from: the one place where a network address is read.

Behind a proxy every request comes from the proxy, which writes down in `X-Forwarded-For` whom it has talked to.
Anybody can write anything there, so it counts only as far as TRUST_PROXY says that proxies of ours have written it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

FORWARDED = "HTTP_X_FORWARDED_FOR"
#: What one customer of a provider has of IPv6: all of it counts as one address.
OURS_OF_SIX = 64
MOST_HOPS = 10
NO, YES = ("", "0", "false", "no", "off"), ("true", "yes", "on")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Proxies:
    """Which proxies there are before Headrace: how many, or in which networks; none of both where there are none."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hops or self.networks)

    def include(self, address: Address | None) -> bool:
        """Whether what has this address may say whom it has talked to."""
        return bool(self.hops) or any(address in network for network in self.networks if address is not None)


NOBODY = Proxies()


def read_proxies(text: str) -> Proxies:
    """The proxies a setting names: "1" or "2" (how many), or networks such as "10.0.0.0/8, ::1". Raises ValueError."""
    text = text.strip().lower()
    if text in NO:
        return NOBODY
    if text in YES:
        return Proxies(hops=1)
    if text.isascii() and text.isdigit() and int(text[:3]) <= MOST_HOPS:
        return Proxies(hops=int(text))
    try:
        named = [part.strip() for part in text.split(",") if part.strip()]
        return Proxies(networks=tuple(ipaddress.ip_network(part) for part in named))
    except ValueError:
        raise ValueError(
            f"TRUST_PROXY is “{text}”. Give the number of proxies before Headrace (1 to {MOST_HOPS}), "
            "or their networks separated by commas, such as 10.0.0.0/8."
        ) from None


def proxies() -> Proxies:
    """Those of this installation (TRUST_PROXY); none where it does not say."""
    found: Proxies = getattr(settings, "TRUST_PROXY", NOBODY)
    return found


def address_of(meta: Mapping[str, Any]) -> str:
    """Whom a request's count is kept under: its sender's IPv4 address, or the /64 network of its IPv6 address.

    `meta`: the request's META. "" where the server does not know, as on a socket file.
    """
    found = sender(meta, proxies())
    if found is None:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(found), OURS_OF_SIX), strict=False))
    return str(found)


def sender(meta: Mapping[str, Any], trusted: Proxies) -> Address | None:
    """The nearest address that is none of ours; what cannot be read ends the way back, and all before it."""
    nearest = read_address(str(meta.get("REMOTE_ADDR", "")))
    told = [part for part in str(meta.get(FORWARDED, "")).split(",")[-2 * MOST_HOPS :] if part.strip()]
    if trusted.hops:
        # A request that came in behind the outermost proxy has passed fewer of them.
        passed = told[-trusted.hops :]
        return (read_address(passed[0]) if passed else None) or nearest
    while told and trusted.include(nearest):
        before = read_address(told.pop())
        if before is None:
            break
        nearest = before
    return nearest


def read_address(text: str) -> Address | None:
    """ "203.0.113.9", "203.0.113.9:443", "[2001:db8::1]:443", "::ffff:203.0.113.9" → the address; else None."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
