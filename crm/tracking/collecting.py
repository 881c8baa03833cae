"""Collecting: what a tracker sends becomes hits, in one statement and without a look at anything else."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from crm.models import CookieConsent, Hit
from crm.tracking.links import tracked, who
from crm.tracking.pages import clean_address, clean_text, page_facts
from crm.tracking.visitors import identify, is_key
from records.api.tallying import tally

BODY_LIMIT = 16_384
HITS_LIMIT = 20
SLUG = re.compile(r"[-\w]{1,50}", re.ASCII)
CONSENT = "cookie_consent_given"
#: What hits are counted as for `/metrics`.
TALLIED = "hit"
REFUSED = "refused"


class Refused(ValueError):
    """What was sent cannot be read; the sentence says why."""


def read_message(body: bytes) -> dict[str, Any]:
    """The message of a tracking script. Raises Refused."""
    if len(body) > BODY_LIMIT:
        raise Refused(_("A message has at most %(limit)d bytes. Send fewer hits in one.") % {"limit": BODY_LIMIT})
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(_("The message is not valid JSON.")) from None
    if not isinstance(message, dict) or not isinstance(message.get("page"), dict):
        raise Refused(_("A message is a JSON object with “page” and “hits”."))
    hits = message.get("hits")
    if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits) or len(hits) > HITS_LIMIT:
        raise Refused(_("“hits” is a list of at most %(limit)d JSON objects.") % {"limit": HITS_LIMIT})
    return message


def collect(message: dict[str, Any], now: dt.datetime) -> int:
    """Keep what a page tells of its visitor; how many hits it was. Nothing without consent where that is required.

    A visitor who came by a link in a mail is identified, unless the browser is somebody's already. Raises Refused for
    a page of a website that may not tell anything.
    """
    page = message["page"]
    address = clean_address(page.get("url"))
    if not tracked(urlsplit(address).hostname or ""):
        raise Refused(_("The page is on none of the websites in TRACKING_DOMAINS."))
    agreed = message.get("consent") == CookieConsent.ACCEPTED or not settings.TRACKING_CONSENT_REQUIRED
    key, contact_id = message.get("visitor"), who(message.get("who"))
    visitor = str(key) if is_key(key) else ""
    told = [(kind, facts) for hit in message["hits"] for kind, facts in hit_of(hit, page, address)]
    told = [(kind, facts) for kind, facts in told if agreed or kind == CONSENT]
    if not told or not (visitor or contact_id):
        return 0
    if visitor and contact_id and agreed:
        identify(visitor, contact_id, now, only_unknown=True)
    own = None if visitor else contact_id
    return keep([hit(kind, facts, now, visitor=visitor, contact_id=own) for kind, facts in told])


def hit_of(sent: dict[str, Any], page: dict[str, Any], address: str) -> list[tuple[str, dict[str, Any]]]:
    """The event type and the facts of one hit of a script; nothing for what cannot be told of."""
    kind = sent.get("kind")
    if kind == "view":
        facts = page_facts(address, page.get("title"), page.get("referrer"))
        return [("page_viewed", facts)] if facts else []
    if kind in ("cta_viewed", "cta_clicked"):
        slug = sent.get("cta")
        known = isinstance(slug, str) and SLUG.fullmatch(slug)
        return [(str(kind), {"call_to_action": slug, "page": address})] if known else []
    if kind == "media":
        media = clean_text(sent.get("media"))
        return [("media_played", {"media": media, "page": address})] if media else []
    if kind == "consent" and sent.get("consent") in CookieConsent.values:
        return [(CONSENT, {"consent": sent["consent"], "page": address})]
    return []


def hit(kind: str, facts: dict[str, Any], now: dt.datetime, **whose: Any) -> Hit:
    """A hit of this moment; `whose` is `visitor`, `contact_id` or `address`."""
    return Hit(kind=kind, facts=facts, occurred_at=now, received_at=now, state=Hit.State.NEW, **whose)


def keep(hits: list[Hit]) -> int:
    made = len(Hit.objects.bulk_create(hits))
    for kind, number in Counter(one.kind for one in hits).items():
        tally(TALLIED, kind, number)
    return made
