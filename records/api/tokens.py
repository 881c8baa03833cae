"""Making, recognising and revoking API tokens."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from records.models import ApiToken, Scope
from records.problems import DocumentError, Problem

DEFAULT_DAYS = 90
LONGEST_DAYS = 3_660
SHAPE = re.compile(r"^hrk_([A-Za-z0-9]{8})[A-Za-z0-9_-]{43}$")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#: `last_used_at` is written at most this often, so that reading does not mean writing.
USED_EVERY = dt.timedelta(minutes=1)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def issue(
    user: Any, scopes: Iterable[str] | None, *, now: dt.datetime, days: int = DEFAULT_DAYS, name: str = ""
) -> tuple[ApiToken, str]:
    """Make a token for a user: the row, and the secret, which nobody can read again.

    Without scopes it gets all of them. Raises DocumentError for an unknown scope or a life not of 1 to 3,660 days.
    """
    wanted = list(dict.fromkeys(scopes if scopes is not None else Scope.values))
    message = _("There is no scope “%(scope)s”. Use: %(known)s.")
    problems = [
        Problem("scopes", message % {"scope": scope, "known": ", ".join(Scope.values)}, scope)
        for scope in wanted
        if scope not in Scope.values
    ]
    if not 1 <= days <= LONGEST_DAYS:
        text = _("A token lives 1 to %(limit)d days, not %(days)d.") % {"limit": LONGEST_DAYS, "days": days}
        problems.append(Problem("days", text, days))
    if not wanted:
        problems.append(Problem("scopes", _("A token needs at least one scope.")))
    if problems:
        raise DocumentError(problems)
    public = "".join(secrets.choice(LETTERS) for _each in range(8))
    secret = f"hrk_{public}{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        name=name,
        public=public,
        digest=digest_of(secret),
        scopes=wanted,
        expires_at=now + dt.timedelta(days=days),
    )
    return token, secret


def recognise(secret: str) -> ApiToken | None:
    """The valid token with this secret, with its user; None when unknown, expired, revoked or of an inactive user.

    Time is the database's. Notes the use, once a minute at most.
    """
    shape = SHAPE.match(secret)
    if shape is None:
        return None
    found = ApiToken.objects.select_related("user").annotate(now=Now()).filter(public=shape[1]).first()
    if found is None or not hmac.compare_digest(found.digest, digest_of(secret)):
        return None
    if found.revoked_at is not None or found.expires_at <= found.now or not found.user.is_active:
        return None
    if found.last_used_at is None or found.now - found.last_used_at > USED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=Now())
    return found


def revoke(tokens: Any, now: dt.datetime) -> int:
    """Make the tokens of a queryset useless at once; how many were valid before."""
    return tokens.filter(revoked_at=None).update(revoked_at=now)
