"""Signing in to the admin, with a limit on wrong passwords for an account and for an address.

Both are counted before a password is looked at, and whether or not there is such an account: who guesses learns from
no answer who exists, nor whether the guess that came too late was right. Who signs in has not guessed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from records.api.addresses import address_of
from records.api.throttling import counter, left

logger = logging.getLogger(__name__)

#: How long wrong passwords count, in seconds.
WINDOW = 600
#: The code of the error of who has to wait.
TOO_MANY = "too_many_guesses"
#: What is shown of a name in the log.
SHOWN = 60


class SignInForm(AdminAuthenticationForm):
    """Django's, which looks at no password while there were too many wrong ones."""

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not username or not password:
            return super().clean()
        counts = limits(username, self.request.META if self.request else {})
        if begun(counts, username):
            raise too_many()
        found = super().clean()
        # It was no guess: the account begins anew, the address as if it had not tried.
        for key, (number, _limit) in counts.items():
            counter.count(key, seconds=WINDOW, by=-number if key.startswith(ACCOUNT) else -1)
        return found


ACCOUNT, ADDRESS = "sign-in:account:", "sign-in:address:"


def limits(username: str, meta: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Count an attempt; by what is counted, the number so far and how many there may be."""
    keys = {f"{ACCOUNT}{known_as(username)}": settings.SIGN_IN_FAILURES_PER_ACCOUNT}
    # A server behind a socket file knows no addresses: one count for all would lock everybody out.
    if address := address_of(meta):
        keys[f"{ADDRESS}{address}"] = settings.SIGN_IN_FAILURES_PER_ADDRESS
    return {key: (counter.count(key, seconds=WINDOW), limit) for key, limit in keys.items()}


def known_as(username: str) -> str:
    """A name as counts keep it: whoever reads them learns no names."""
    return salted_hmac("config.signing_in", username.strip().casefold()).hexdigest()[:32]


def begun(counts: Mapping[str, tuple[int, int]], username: str) -> bool:
    """Whether one of the counts is beyond its limit; the first time it is the log says so."""
    beyond = {key: limit for key, (number, limit) in counts.items() if number > limit}
    for key, limit in beyond.items():
        if counts[key][0] == limit + 1:
            log(key, limit, username, counts)
    return bool(beyond)


def log(key: str, limit: int, username: str, counts: Mapping[str, Any]) -> None:
    address = next((one.removeprefix(ADDRESS) for one in counts if one.startswith(ADDRESS)), "")
    of = "account" if key.startswith(ACCOUNT) else "address"
    logger.warning(
        "Signing in is refused for up to %d minutes: %d wrong passwords by %s; last for %r from %s.",
        WINDOW // 60, limit, of, username[:SHOWN], address or "an unknown address",
        extra={"event": "sign_in_refused", "limit_of": of, "username": username[:SHOWN], "address": address},
    )  # fmt: skip


def seconds_left() -> int:
    """After how many seconds somebody who has to wait may try again."""
    return math.ceil(left(WINDOW))


def too_many() -> ValidationError:
    minutes = math.ceil(seconds_left() / 60)
    message = ngettext(
        "There were too many attempts to sign in. Try again in %(minutes)d minute.",
        "There were too many attempts to sign in. Try again in %(minutes)d minutes.",
        minutes,
    )
    return ValidationError(message % {"minutes": minutes}, code=TOO_MANY)
