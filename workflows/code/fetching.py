"""What a script asks for with fetch: sent by the one door out, in threads of the process that watches the script.

Nothing the script's process says is trusted: it names a method, an address, headers and a text, and gets an answer or
an error. How many requests there are, how large they are and how long they take is counted here.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from workflows.outside import door, targets
from workflows.outside.door import Answered, Bounds, NotReached, NotTrusted, Outgoing, Resolver
from workflows.outside.targets import NotAllowed

#: Requests of one run, those on their way at once, redirects of one.
MOST, AT_ONCE, REDIRECTS = 50, 5, 5
#: Bytes of a request and of its answer.
ASKED, ANSWERED = 262_144, 1_048_576
CONNECT = 3.0
#: What an error is called in JavaScript, as its `code`.
CODES = {NotAllowed: "NOT_ALLOWED", NotTrusted: "NOT_TRUSTED", NotReached: "NOT_REACHED"}

Answer = dict[str, Any]


@dataclass
class Asked:
    """A request under way or done; `came` is what came of it, in a few words."""

    id: int
    outgoing: Outgoing
    redirect: str
    until: float
    came: str = ""


@dataclass
class Broker:
    """Sends the requests of one script. `resolve` looks names up, the system's way where there is none."""

    resolve: Resolver | None = None
    made: list[Asked] = field(default_factory=list)
    waiting: deque[Asked] = field(default_factory=deque)
    flying: int = 0
    over: queue.SimpleQueue[Answer] = field(default_factory=queue.SimpleQueue)

    def take(self, line: bytes, until: float) -> None:
        """Take a request as the script's process has said it, to be answered by `until` (time.monotonic)."""
        try:
            said = json.loads(line)["fetch"]
            number = int(said["id"])
        except (ValueError, TypeError, KeyError, RecursionError):
            # Not of our prelude, so nobody waits for an answer.
            return
        if len(self.made) >= MOST:
            message = _("fetch can be called %(count)d times in one run at most. Ask for more at a time.")
            self.over.put(refusal(number, message % {"count": MOST}))
            return
        try:
            asked = read(number, said, until)
        except (TypeError, KeyError, AttributeError):
            self.over.put(refusal(number, _("The request is not one: give fetch an address, and texts as headers.")))
            return
        self.made.append(asked)
        self.waiting.append(asked)
        self.begin()

    def begin(self) -> None:
        """Send what waits while there is room. The database is never touched there."""
        while self.waiting and self.flying < AT_ONCE:
            self.flying += 1
            threading.Thread(target=self.send, args=(self.waiting.popleft(),), name="fetch", daemon=True).start()

    def send(self, asked: Asked) -> None:
        """Send one request, in a thread of its own, and put what came of it where the watcher finds it."""
        self.over.put(answer(asked, self.resolve) | {"sent": True})

    def answered(self) -> list[Answer]:
        """What came of requests since the last look."""
        found: list[Answer] = []
        while True:
            try:
                one = self.over.get_nowait()
            except queue.Empty:
                return found
            if one.pop("sent", False):
                self.flying -= 1
                self.begin()
            found.append(one)

    def told(self) -> list[str]:
        """The requests made, each in a line for the history; no query of an address, where keys may stand."""
        return [
            f"{one.outgoing.method} {targets.place(one.outgoing.url)}: {one.came or _('no answer yet')}"
            for one in self.made
        ]


def read(number: int, said: dict[str, Any], until: float) -> Asked:
    """A request as it was said. Raises TypeError, KeyError and AttributeError for what is none."""
    headers = {str(name): str(value) for name, value in said["headers"].items()}
    body, method, url = said["body"], said["method"], said["url"]
    if not (isinstance(body, str) and isinstance(method, str) and isinstance(url, str)):
        raise TypeError("texts are wanted")
    return Asked(number, Outgoing(method, url, headers, body.encode(errors="replace")), str(said["redirect"]), until)


def answer(asked: Asked, resolve: Resolver | None) -> Answer:
    """Send a request; what the script is told, and what the history is. Raises nothing a request can cause."""
    try:
        answered = sent(asked, resolve)
    except (NotAllowed, NotTrusted, NotReached) as error:
        asked.came = str(error)
        return refusal(asked.id, str(error), CODES[type(error)])
    asked.came = str(answered.status)
    text = answered.body.decode(charset_of(answered), errors="replace").removeprefix("\ufeff")
    return {
        "id": asked.id, "status": answered.status, "headers": dict(answered.headers), "text": text,
        "url": answered.url, "redirected": answered.url != targets.read(asked.outgoing.url).url,
    }  # fmt: skip


def sent(asked: Asked, resolve: Resolver | None) -> Answered:
    """The answer to a request. Raises NotAllowed, NotTrusted and NotReached."""
    if len(asked.outgoing.body) > ASKED:
        message = _("The request has %(size)d bytes, %(limit)d at most are sent. Send less at a time.")
        raise NotAllowed(message % {"size": len(asked.outgoing.body), "limit": ASKED})
    left = asked.until - time.monotonic()
    if left <= 0:
        raise NotReached(_("There was no time left for the request."))
    follow = REDIRECTS if asked.redirect == "follow" else 0
    bounds = Bounds(connect=CONNECT, whole=left, size=ANSWERED)
    answered = door.send(asked.outgoing, follow=follow, bounds=bounds, resolve=resolve)
    if answered.cut:
        message = _("The answer of %(host)s has more than %(limit)d bytes. Ask for less at a time.")
        raise NotAllowed(message % {"host": targets.place(answered.url), "limit": ANSWERED})
    if asked.redirect == "error" and answered.status in door.REDIRECTS:
        raise NotAllowed(
            _("%(host)s redirected the request, which was not wanted.") % {"host": targets.place(answered.url)}
        )
    return answered


def refusal(number: int, error: str, code: str = "NOT_ALLOWED") -> Answer:
    """What a script is told of a request that was not answered; it may be made `again` where nobody was reached."""
    return {"id": number, "error": error, "code": code, "again": code == "NOT_REACHED"}


def charset_of(answered: Answered) -> str:
    """The encoding an answer names, UTF-8 where it names none that is known."""
    _type, _sign, rest = answered.headers.get("content-type", "").lower().partition("charset=")
    named = rest.partition(";")[0].strip(" \"'")
    return named if named in {"utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252", "us-ascii"} else "utf-8"
