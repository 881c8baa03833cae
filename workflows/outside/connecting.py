"""Making connections, changing them, and what is sent along because of them."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from records.defining import slug_for
from records.problems import DocumentError, Problem
from records.sealing import Unreadable, seal, unseal
from workflows.dependencies.using import names_told
from workflows.models import Connection
from workflows.models.connection import SLUG_LENGTH
from workflows.outside import door, targets
from workflows.outside.targets import NotAllowed
from workflows.webhooks import signing

Auth = Connection.Auth
#: How long requests are signed with the secret before, too, after there is a new one.
BOTH = dt.timedelta(hours=24)
SECRET_LENGTH = 4_000
#: Signs of a secret that custom code gets: fewer could not be taken out of what it writes, more it does not get.
FOR_CODE = (4, 1_000)
LIMIT_COUNT = 1_000_000
#: What `create` and `change` take.
FACTS = ("name", "origin", "auth", "auth_name", "secret", "limit_count", "limit_per")


def create(facts: Mapping[str, Any], *, by: Any, now: dt.datetime) -> Connection:
    """A new connection of FACTS. Raises DocumentError for what does not fit, naming each fact."""
    connection = Connection(created_by=by)
    write(connection, facts, by, now)
    with transaction.atomic():
        connection.slug = free_slug(connection.name)
        connection.save()
        keep_secret(connection, facts.get("secret"))
    return connection


def change(connection: Connection, facts: Mapping[str, Any], *, by: Any, now: dt.datetime) -> None:
    """Change some of FACTS; a secret that is left out or blank stays. Raises DocumentError.

    A secret belongs to the address it was given for: for another one it has to be given anew, so that nobody has it
    sent to a place of their own who could not read it.
    """
    write(connection, facts, by, now)
    with transaction.atomic():
        connection.save()
        keep_secret(connection, facts.get("secret"))


def write(connection: Connection, facts: Mapping[str, Any], by: Any, now: dt.datetime) -> None:
    """Put facts onto a connection, without saving it. Raises DocumentError; then nothing was put onto it."""
    found = {name: facts.get(name, getattr(connection, name, None)) for name in FACTS if name != "secret"}
    found["name"] = " ".join(str(found["name"] or "").split())
    found["auth_name"] = str(found["auth_name"] or "").strip()
    problems, origin = [], connection.origin
    try:
        origin = origin_of(found["origin"])
    except NotAllowed as error:
        problems.append(Problem("origin", str(error), found["origin"]))
    secret = facts.get("secret") or ""
    moved = bool(connection.secret_sealed) and origin != connection.origin
    # Custom code may send it anywhere: who has it do so has to know it.
    given_out = found["auth"] == Auth.CODE != connection.auth
    kept = bool(connection.secret_sealed) and not moved and not given_out
    problems += [*basic_problems(found), *secret_problems(found, secret, kept, moved)]
    if problems:
        raise DocumentError(problems)
    for name, value in found.items():
        setattr(connection, name, value)
    connection.origin = origin
    if found["auth"] == Auth.NONE:
        connection.auth_name = connection.secret_sealed = connection.secret_ends = ""
        connection.secret_set_at = connection.secret_set_by = None
    elif secret:
        connection.secret_ends = secret[-2:] if len(secret) >= 12 else ""
        connection.secret_set_at, connection.secret_set_by = now, by


def origin_of(value: Any) -> str:
    """An address as a connection keeps it. Raises NotAllowed."""
    target = targets.read(value)
    if target.path != "/":
        message = _("“%(url)s” is more than an address of a system. Leave out what follows %(origin)s.")
        raise NotAllowed(message % {"url": str(value)[:200], "origin": target.origin})
    return target.origin


def basic_problems(found: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if not 1 <= len(found["name"]) <= 120:
        problems.append(
            Problem("name", _("A connection has a name of 1 to 120 characters. Give it one."), found["name"])
        )
    if found["auth"] not in Auth.values:
        message = _("%(value)r is no way to sign in. Use one of: %(known)s.")
        known = ", ".join(Auth.values)
        problems.append(Problem("auth", message % {"value": found["auth"], "known": known}, found["auth"]))
    count, per = found["limit_count"], found["limit_per"]
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LIMIT_COUNT):
        message = _("%(value)r is not a number of requests. Use a whole number from 1 to %(limit)d.")
        problems.append(Problem("limit_count", message % {"value": count, "limit": LIMIT_COUNT}, count))
    if per not in Connection.Per.values:
        message = _("%(value)r is not a period. Use one of: %(known)s.")
        problems.append(Problem("limit_per", message % {"value": per, "known": ", ".join(Connection.Per.values)}, per))
    return problems


def secret_problems(found: Mapping[str, Any], secret: Any, kept: bool, moved: bool) -> list[Problem]:
    """What is wrong with how it signs in."""
    auth, name = found["auth"], found["auth_name"]
    if auth not in Auth.values or auth == Auth.NONE:
        return []
    problems = []
    if auth == Auth.HEADER and (
        not door.is_name(name) or name.lower() in door.CARRYING or name.lower() in OWN_HEADERS
    ):
        message = _("“%(name)s” is not the name of a header a key can stand in. Write it like X-Api-Key.")
        problems.append(Problem("auth_name", message % {"name": name}, name))
    if auth == Auth.QUERY and not (door.is_name(name)):
        message = _("“%(name)s” is not the name of a parameter. Write it like api_key.")
        problems.append(Problem("auth_name", message % {"name": name}, name))
    if auth == Auth.BASIC and (not name or ":" in name or not door.is_value(name)):
        message = _("“%(name)s” is not a user name. Write one without a colon.")
        problems.append(Problem("auth_name", message % {"name": name}, name))
    if not isinstance(secret, str) or len(secret) > SECRET_LENGTH or not door.is_value(secret):
        message = _(
            "The secret has line breaks or signs no header has, or more than %(limit)d characters. Copy it anew."
        )
        problems.append(Problem("secret", message % {"limit": SECRET_LENGTH}))
    elif secret and auth == Auth.CODE and not FOR_CODE[0] <= len(secret) <= FOR_CODE[1]:
        message = _("A secret for custom code has %(least)d to %(most)d characters. Give another one.")
        problems.append(Problem("secret", message % {"least": FOR_CODE[0], "most": FOR_CODE[1]}))
    elif not secret and moved:
        message = _("The address is another one: give the secret anew, for it was given for the other address.")
        problems.append(Problem("secret", message, code="missing"))
    elif not secret and not kept:
        problems.append(
            Problem("secret", _("The secret is missing. Give it, or have it sign in with nothing."), code="missing")
        )
    return problems


#: Headers of requests that the product writes itself.
OWN_HEADERS = {"webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key", "content-type", "user-agent"}


def keep_secret(connection: Connection, secret: Any) -> None:
    if secret and connection.auth != Auth.NONE:
        sealed(connection, "secret_sealed", secret)
        connection.save(update_fields=["secret_sealed"])


def free_slug(name: str) -> str:
    wanted = slug_for(name)[: SLUG_LENGTH - 4].rstrip("_")
    slug, number = wanted, 1
    while Connection.objects.filter(slug=slug).exists():
        number += 1
        slug = f"{wanted}_{number}"
    return slug


def sealed(connection: Connection, field: str, secret: str) -> None:
    """Seal a secret with the place it belongs to, so that it means nothing in another row or column."""
    setattr(connection, field, seal(json.dumps([place(connection), secret])))


def place(connection: Connection) -> str:
    return f"connection:{connection.slug}"


def opened(connection: Connection, field: str) -> str:
    """A sealed secret again. Raises records.sealing.Unreadable also for one that belongs elsewhere."""
    found = json.loads(unseal(getattr(connection, field)))
    if not isinstance(found, list) or len(found) != 2 or found[0] != place(connection):
        raise Unreadable("The secret belongs to another connection.")
    return str(found[1])


def sign(connection: Connection, *, now: dt.datetime) -> str:
    """Have requests signed with a new secret from now on, and for a day with the one before as well; the secret."""
    secret = signing.new_secret()
    connection.earlier_sealed, connection.earlier_until = connection.signing_sealed, None
    if connection.earlier_sealed:
        connection.earlier_until = now + BOTH
    sealed(connection, "signing_sealed", secret)
    connection.signing_set_at = now
    connection.save(update_fields=["signing_sealed", "signing_set_at", "earlier_sealed", "earlier_until"])
    return secret


def unsign(connection: Connection) -> None:
    """Sign requests no more."""
    connection.signing_sealed = connection.earlier_sealed = ""
    connection.signing_set_at = connection.earlier_until = None
    connection.save(update_fields=["signing_sealed", "signing_set_at", "earlier_sealed", "earlier_until"])


def signing_secrets(connection: Connection, now: dt.datetime) -> list[str]:
    """What requests are signed with at `now`, the newest first. Raises records.sealing.Unreadable."""
    fields = ["signing_sealed"] if connection.signing_sealed else []
    if connection.earlier_sealed and connection.earlier_until and now < connection.earlier_until:
        fields.append("earlier_sealed")
    return [opened(connection, field) for field in fields]


def headers(connection: Connection) -> dict[str, str]:
    """The headers it signs in with. Raises records.sealing.Unreadable."""
    match connection.auth:
        case Auth.BEARER:
            return {"Authorization": f"Bearer {opened(connection, 'secret_sealed')}"}
        case Auth.HEADER:
            return {connection.auth_name: opened(connection, "secret_sealed")}
        case Auth.BASIC:
            pair = f"{connection.auth_name}:{opened(connection, 'secret_sealed')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def parameters(connection: Connection) -> dict[str, str]:
    """The parameters of the address it signs in with. Raises records.sealing.Unreadable."""
    return {connection.auth_name: opened(connection, "secret_sealed")} if connection.auth == Auth.QUERY else {}


def secrets_sent(connection: Connection) -> list[str]:
    """What requests to it carry that nobody may read. Raises records.sealing.Unreadable."""
    if connection.auth in (Auth.NONE, Auth.CODE):
        return []
    words = (value.partition(" ")[2] for value in headers(connection).values())
    return [one for one in (opened(connection, "secret_sealed"), *words) if one]


def users(connection: Connection, by: Any = None) -> list[str]:
    """What rests on the connection: workflows whose live revision or draft names it, and AI providers."""
    providers = connection.ai_providers.values_list("name", flat=True)
    return sorted(
        {*names_told("connection", connection.slug, by)}.union(
            _("AI provider %(name)s") % {"name": name} for name in providers
        )
    )


def delete(connection: Connection, by: Any = None) -> None:
    """Delete a connection with its secrets. Raises DocumentError while workflows use it."""
    if found := users(connection, by):
        message = _("“%(name)s” is used by %(workflows)s. Remove it there before you delete it.")
        facts = {"name": connection.name, "workflows": ", ".join(f"“{one}”" for one in found[:5])}
        raise DocumentError([Problem("", message % facts, code="in_use")])
    connection.delete()
