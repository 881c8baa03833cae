"""Addresses of requests (URLs) as the door reads them: what is unclear or leads nowhere public is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

LONGEST = 4_096
PORTS = {"https": 443, "http": 80}
#: Ports requests may go to, besides those of WEBHOOK_ALLOWED_PORTS and the hosts of WEBHOOK_ALLOWED_HOSTS.
OPEN_PORTS = (80, 443, 8080, 8443)
#: What browsers, libraries and servers read differently: none of it stands in an address.
UNCLEAR = re.compile(r'[\x00-\x20\x7f\\<>"^`{|}]')
#: What a path and a query may hold as it is; anything else is written as %XX.
PLAIN = "/:@!$&'()*+,;=-._~%?"
NAME = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?$")


class NotAllowed(Exception):
    """The request may not leave; the message is a whole sentence with a remedy. Nothing was sent."""


@dataclass(frozen=True)
class Target:
    """Where a request goes: `host` in lower case and ASCII, `path` with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """ "host:port", as WEBHOOK_ALLOWED_HOSTS names it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """ "https://host" with the port where it is not the usual one."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{shown}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def own(self) -> bool:
        """Whether the operator has named it as a host of their own."""
        return self.place in allowed_hosts()


def allowed_hosts() -> set[str]:
    """The operator's own hosts requests may go to, as "host:port"."""
    return {str(one).strip().lower() for one in getattr(settings, "WEBHOOK_ALLOWED_HOSTS", [])}


def allowed_ports() -> set[int]:
    return {*OPEN_PORTS, *(int(port) for port in getattr(settings, "WEBHOOK_ALLOWED_PORTS", []))}


def read(url: Any) -> Target:
    """Where a URL leads. Raises NotAllowed for one no request may go to, whatever its name stands for."""
    if not isinstance(url, str) or not url.strip():
        raise NotAllowed(_("The address is missing. Write it like https://example.com/hooks."))
    if len(url) > LONGEST:
        message = _("The address has %(length)d characters, %(limit)d at most. Shorten it.")
        raise NotAllowed(message % {"length": len(url), "limit": LONGEST})
    shown = place(url)
    if UNCLEAR.search(url):
        message = _("“%(url)s” has spaces or signs that no address has. Write it like https://example.com/hooks.")
        raise NotAllowed(message % {"url": shown})
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed(no_address(url)) from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not parts.netloc:
        message = _("“%(url)s” does not begin with https://. Write it like https://example.com/hooks.")
        raise NotAllowed(message % {"url": shown})
    if "@" in parts.netloc:
        message = _("An address holds no user and password. Take out what stands before “@”, and use a connection.")
        raise NotAllowed(message)
    path = quote(parts.path or "/", safe=PLAIN) + (f"?{quote(parts.query, safe=PLAIN)}" if parts.query else "")
    return permitted(
        Target(scheme, host_of(parts.hostname or "", shown), PORTS[scheme] if port is None else port, path)
    )


def host_of(host: str, shown: str) -> str:
    """A host's name in ASCII, or its address. Raises NotAllowed."""
    if ":" in host and re.fullmatch(r"[0-9a-f:.]+", host):
        return host
    if "[" in shown.partition("//")[2].partition("/")[0]:
        host = ""
    try:
        found = host.encode("idna").decode().lower()
    except UnicodeError:
        found = ""
    if len(found) > 253 or not NAME.match(found):
        message = _("“%(url)s” has no host. Write it like https://example.com/hooks.")
        raise NotAllowed(message % {"url": shown})
    return found


def permitted(target: Target) -> Target:
    """The target, when scheme and port are permitted. Raises NotAllowed."""
    if target.own:
        return target
    if target.scheme != "https" and not getattr(settings, "WEBHOOK_ALLOW_HTTP", False):
        message = _(
            "“%(url)s” is not encrypted. Use https. An administrator can allow http with WEBHOOK_ALLOW_HTTP, or this "
            "host with WEBHOOK_ALLOWED_HOSTS."
        )
        raise NotAllowed(message % {"url": target.origin})
    if target.port not in allowed_ports():
        message = _(
            "Port %(port)d is not open for requests. An administrator can allow it with WEBHOOK_ALLOWED_PORTS, or "
            "%(place)s with WEBHOOK_ALLOWED_HOSTS."
        )
        raise NotAllowed(message % {"port": target.port, "place": target.place})
    return target


def redirected(target: Target, location: str) -> Target:
    """Where a redirect leads, checked like any other address. Raises NotAllowed."""
    try:
        url = urljoin(target.url, location.strip())
    except ValueError:
        raise NotAllowed(no_address(location)) from None
    return read(url)


def no_address(url: str) -> str:
    message = _("“%(url)s” is not an address. Write it like https://example.com/hooks.")
    return message % {"url": place(url)}


def place(url: str) -> str:
    """An address as it is shown, be it one or not: without its query, where keys may stand; never cut within."""
    scheme, sign, rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{sign}{host.rpartition('@')[2]}{slash}{path}"
