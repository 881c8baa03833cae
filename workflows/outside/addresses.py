"""Which addresses of the internet requests may go to: none of those that lead back into the operator's own network."""

from __future__ import annotations

import ipaddress

from django.utils.translation import gettext as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Ranges that are not public although not every version of Python's list says so, or that stand for other addresses:
#: translations to IPv4 (NAT64, 6to4), carrier-grade NAT, benchmarks, identifiers, documentation.
CLOSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16", "3fff::/20", "5f00::/16",
        "fec0::/10",
    )
)  # fmt: skip


def read(text: str) -> Address:
    """An address as the system's resolver gives it, the IPv4 address where one is wrapped into IPv6."""
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def closed(address: Address) -> str:
    """Why no request may go to an address, in a few words; "" when it may."""
    if address.is_loopback or address.is_unspecified:
        return _("this machine itself")
    if address.is_link_local:
        return _("the local link, where clouds keep their secrets")
    if address.is_multicast:
        return _("many machines at once")
    public = address.is_global and not address.is_reserved
    if not public or any(address.version == net.version and address in net for net in CLOSED):
        return _("a private network")
    return ""
