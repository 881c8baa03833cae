"""The one door out: every HTTP request of the product leaves here, and nowhere else (a test sees to it).

A name is looked up once; all of its addresses must be public, and the connection goes to one of these, so that a name
which means something else a moment later (DNS rebinding) leads nowhere. Redirects are not followed unless asked for,
and then each is checked the same way. Proxies, cookies and passwords of the environment mean nothing here. A request
has a limit in seconds, whatever the other side does meanwhile, and its answer one in bytes.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import certifi
from django.utils.translation import gettext as _

from workflows.outside import addresses, targets
from workflows.outside.targets import NotAllowed, Target

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
USER_AGENT = "Headrace"
#: Headers that say how a request is carried; only the door knows.
CARRYING = {
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect",
    "proxy-authorization", "proxy-connection", "accept-encoding",
}  # fmt: skip
#: What goes along to another origin when a redirect leads there.
HARMLESS = {"accept", "content-type"}
REDIRECTS = {301, 302, 303, 307, 308}
Resolver = Callable[..., list[Any]]


class NotReached(Exception):
    """Nobody answered, or not in time: trying again may help. `begun`: what was sent may have arrived all the same."""

    def __init__(self, sentence: str, *, begun: bool = False) -> None:
        self.begun = begun
        super().__init__(sentence)


class NotTrusted(Exception):
    """The other side could not show that it is the host it should be: trying again does not help."""


@dataclass(frozen=True)
class Bounds:
    """Seconds to connect, seconds for the whole request, bytes of the answer that are read."""

    connect: float = 3.0
    whole: float = 30.0
    size: int = 65_536


@dataclass(frozen=True)
class Outgoing:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answered:
    """What came back. `headers` by their names in lower case; `cut`: the body went on beyond the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    url: str


def send(
    request: Outgoing, *, follow: int = 0, bounds: Bounds = Bounds(), resolve: Resolver | None = None
) -> Answered:
    """Send a request and read its answer, following up to `follow` redirects.

    Raises NotAllowed before anything is sent, NotTrusted, and NotReached.
    """
    deadline = time.monotonic() + bounds.whole
    target = targets.read(request.url)
    for _turn in range(follow + 1):
        answer = send_once(request, target, bounds, deadline, resolve or socket.getaddrinfo)
        location = answer.headers.get("location")
        if not follow or answer.status not in REDIRECTS or not location:
            return answer
        onward = targets.redirected(target, location)
        request, target = following(request, answer.status, target, onward), onward
    raise NotReached(_("%(url)s redirected more than %(count)d times.") % {"url": request.url, "count": follow})


def following(request: Outgoing, status: int, target: Target, onward: Target) -> Outgoing:
    """The request a redirect asks for; nothing secret goes along to another origin."""
    headers = request.headers
    if onward.origin != target.origin:
        headers = {name: value for name, value in headers.items() if name.lower() in HARMLESS}
    if status == 303 or (status in (301, 302) and request.method == "POST"):
        return Outgoing("GET", onward.url, headers)
    return replace(request, url=onward.url, headers=headers)


def send_once(request: Outgoing, target: Target, bounds: Bounds, deadline: float, resolve: Resolver) -> Answered:
    if request.method not in METHODS:
        message = _("“%(method)s” is not a method. Use one of: %(known)s.")
        raise NotAllowed(message % {"method": request.method, "known": ", ".join(METHODS)})
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*", **checked(request.headers)}
    connection = Connection(target, found(target, resolve), bounds, deadline)
    try:
        connection.request(
            request.method, target.path, request.body or None,
            {**headers, "Accept-Encoding": "identity", "Connection": "close"},
        )  # fmt: skip
        response = connection.getresponse()
        body = response.read(bounds.size + 1)
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answered(response.status, told, body[: bounds.size], len(body) > bounds.size, target.url)
    except ssl.SSLCertVerificationError as error:
        message = _("%(host)s could not show that it is itself: %(error)s. Its certificate has to be mended.")
        raise NotTrusted(message % {"host": target.place, "error": error.verify_message}) from error
    except TimeoutError as error:
        sentence = _("%(host)s did not answer in time.") % {"host": target.place}
        raise NotReached(sentence, begun=connection.line is not None) from error
    except (OSError, http.client.HTTPException) as error:
        told_error = str(error) or type(error).__name__
        message = _("The connection with %(host)s failed: %(error)s.")
        facts = {"host": target.place, "error": told_error.rstrip(".")}
        raise NotReached(message % facts, begun=connection.line is not None) from error
    finally:
        connection.hang_up()


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, when they are ones a caller may set. Raises NotAllowed."""
    for name, value in headers.items():
        if name.lower() in CARRYING or not is_name(name):
            message = _("The header “%(name)s” cannot be set. Take it out.")
            raise NotAllowed(message % {"name": name[:100]})
        if not is_value(value):
            message = _("The value of the header “%(name)s” has line breaks or signs no header has. Remove them.")
            raise NotAllowed(message % {"name": name[:100]})
    return dict(headers)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a header."""
    return 0 < len(text) <= 100 and text.isascii() and all(letter.isalnum() or letter in "-_" for letter in text)


def is_value(text: str) -> bool:
    """Whether a text can be a header's value."""
    return len(text) <= 8_000 and all(" " <= letter <= "~" or "\xa0" <= letter <= "\xff" for letter in text)


def found(target: Target, resolve: Resolver) -> list[tuple[Any, ...]]:
    """The addresses a target's name stands for, looked up once. Raises NotAllowed when any of them is closed."""
    try:
        listed = resolve(target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        message = _("Nobody knows the host “%(host)s”. Check how it is written.")
        raise NotReached(message % {"host": target.host}) from error
    places = [one for one in listed if one[0] in (socket.AF_INET, socket.AF_INET6)]
    if not places:
        raise NotReached(_("The host “%(host)s” has no address.") % {"host": target.host})
    if target.own:
        return places
    for one in places:
        address = addresses.read(str(one[4][0]))
        if why := addresses.closed(address):
            message = _(
                "The address is not allowed: %(host)s is %(address)s (%(why)s). An administrator can allow it with "
                "WEBHOOK_ALLOWED_HOSTS."
            )
            raise NotAllowed(message % {"host": target.place, "address": address, "why": why})
    return places


@cache
def tls() -> ssl.SSLContext:
    """The certificates this machine trusts, and those that come along for machines without any."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Connection(http.client.HTTPConnection):
    """A connection to the addresses that were checked, which ends at a deadline whatever the other side does."""

    def __init__(self, target: Target, places: list[tuple[Any, ...]], bounds: Bounds, deadline: float) -> None:
        super().__init__(target.host, target.port)
        self.default_port = targets.PORTS[target.scheme]
        self.target, self.places, self.bounds, self.deadline = target, places, bounds, deadline
        self.line: socket.socket | None = None
        self.sock: Any = None

    def connect(self) -> None:
        """Connect to the first of the addresses that answers."""
        until = min(self.deadline, time.monotonic() + self.bounds.connect)
        failure: OSError | None = None
        for family, kind, protocol, _name, place in self.places:
            line = socket.socket(family, kind, protocol)
            try:
                line.settimeout(left(until))
                line.connect(place)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.target.scheme == "https":
                    line = tls().wrap_socket(line, server_hostname=self.target.host.rstrip("."))
            except OSError as error:
                line.close()
                failure = error
                continue
            self.line, self.sock = line, Line(line, self.deadline)
            return
        raise failure or TimeoutError

    def hang_up(self) -> None:
        """Close for good: what is read of an answer may go on after `close`."""
        self.close()
        if self.line is not None:
            self.line.close()


def left(deadline: float) -> float:
    """Seconds until a deadline. Raises TimeoutError when it is over."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class Line(io.RawIOBase):
    """A socket every reading and writing of which has to be done by one deadline; who made it closes it."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self.line, self.deadline = line, deadline

    def sendall(self, data: bytes) -> None:
        self.line.settimeout(left(self.deadline))
        self.line.sendall(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.line.settimeout(left(self.deadline))
        return self.line.recv_into(buffer)

    def makefile(self, *_arguments: Any, **_options: Any) -> io.BufferedReader:
        return io.BufferedReader(self)

    def close(self) -> None:
        """Nothing: the answer is still to be read when its connection is closed."""
