"""Communication subscriptions: what contacts want, set for many at once, with its proof (CRM-21)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm.models import Contact, Subscription, SubscriptionChange, SubscriptionType
from records.happening import Occurrence, happen
from records.problems import Problem
from records.properties import Option
from records.sql_arrays import array
from records.vocabulary import ListedIn

Status, LegalBasis, Source = Subscription.Status, Subscription.LegalBasis, Subscription.Source
Channel = SubscriptionType.Channel
#: Where a channel reaches a person: one of these properties must not be blank.
ADDRESSES = {Channel.EMAIL: ("email",), Channel.SMS: ("mobile", "phone"), Channel.WHATSAPP: ("mobile", "phone")}
EVENT = "subscription_updated"
STATES: dict[str, str] = {Status.SUBSCRIBED: "opted_in", Status.UNSUBSCRIBED: "opted_out"}
REASON_LIMIT = 200

# The join has the rows read (and locked) before any is written: afterwards they would count as seen already.
# Only what becomes different is written; each written row also goes to the history. What is said again without a
# legal basis or an explanation keeps the ones it had.
SET = """
    WITH earlier AS MATERIALIZED (
        SELECT contact_id, status FROM {now} WHERE type = %(type)s AND contact_id = ANY(%(ids)s::bigint[])
        ORDER BY contact_id FOR UPDATE
    ), written AS (
        INSERT INTO {now} AS s
            (contact_id, type, status, legal_basis, explanation, source, changed_by_id, workflow_id, changed_at)
        SELECT id, %(type)s, %(status)s, %(basis)s, explanation, %(source)s, %(by)s, %(workflow)s, %(now)s
        FROM json_to_recordset(%(asked)s) AS a (id bigint, explanation text)
        LEFT JOIN earlier e ON e.contact_id = a.id
        WHERE %(status)s <> 'not_specified' OR e.contact_id IS NOT NULL
        ORDER BY id
        ON CONFLICT (contact_id, type) DO UPDATE SET status = EXCLUDED.status,
            legal_basis = CASE WHEN s.status = EXCLUDED.status AND EXCLUDED.legal_basis = '' THEN s.legal_basis
                ELSE EXCLUDED.legal_basis END,
            explanation = CASE WHEN s.status = EXCLUDED.status AND EXCLUDED.explanation = '' THEN s.explanation
                ELSE EXCLUDED.explanation END,
            source = EXCLUDED.source, changed_by_id = EXCLUDED.changed_by_id,
            workflow_id = EXCLUDED.workflow_id, changed_at = EXCLUDED.changed_at
        WHERE s.status <> EXCLUDED.status
            OR (EXCLUDED.legal_basis <> '' AND s.legal_basis <> EXCLUDED.legal_basis)
            OR (EXCLUDED.explanation <> '' AND s.explanation <> EXCLUDED.explanation)
        RETURNING s.*
    ), kept AS (
        INSERT INTO {history}
            (contact_id, type, status, legal_basis, explanation, source, changed_by_id, workflow_id, changed_at)
        SELECT contact_id, type, status, legal_basis, explanation, source, changed_by_id, workflow_id, changed_at
        FROM written
    )
    SELECT w.contact_id, COALESCE(e.status, 'not_specified')
    FROM written w LEFT JOIN earlier e ON e.contact_id = w.contact_id
"""


def fetch_types() -> list[Option]:
    return [Option(slug, name) for slug, name in SubscriptionType.objects.values_list("slug", "name")]


#: Every subscription type; criteria and steps that name one are read anew when the types change.
types = ListedIn(fetch_types, SubscriptionType)


@dataclass(frozen=True)
class Wish:
    """What shall hold for one subscription type."""

    type: SubscriptionType
    status: str
    legal_basis: str = ""
    explanation: str = ""


def problems_of(wish: Wish) -> list[Problem]:
    """What keeps a wish from being set for anybody."""
    found = []
    if wish.status == Status.SUBSCRIBED and not wish.type.active:
        message = _("“%(type)s” is not active any more, so nobody can be subscribed to it. Choose another type.")
        found.append(Problem("type", message % {"type": wish.type.name}, wish.type.slug))
    if wish.status == Status.SUBSCRIBED and wish.type.needs_legal_basis and not wish.legal_basis:
        message = _("“%(type)s” needs a legal basis. Say on which one people are subscribed.")
        found.append(Problem("legal_basis", message % {"type": wish.type.name}))
    return found


def unreachable_sentence(wish: Wish) -> str:
    """Why a contact without an address of the type's channel cannot be subscribed."""
    sentences = {
        Channel.EMAIL: _("The contact has no email address. Add one before subscribing them to “%(type)s”."),
        Channel.SMS: _("The contact has no mobile or phone number. Add one before subscribing them to “%(type)s”."),
        Channel.WHATSAPP: _(
            "The contact has no mobile or phone number. Add one before subscribing them to “%(type)s”."
        ),
    }
    return sentences[Channel(wish.type.channel)] % {"type": wish.type.name}


def reachable(ids: Iterable[int], subscription_type: SubscriptionType) -> set[int]:
    """The living contacts among these that have an address of the type's channel."""
    names = ADDRESSES[Channel(subscription_type.channel)]
    rows = Contact.objects.filter(pk__in=list(ids), deleted_at=None).values_list("pk", *names)
    return {pk for pk, *addresses in rows if any(addresses)}


def set_status(
    ids: Iterable[int],
    wish: Wish,
    *,
    source: str,
    by: Any = None,
    workflow_id: int | None = None,
    now: dt.datetime,
    explanations: Mapping[int, str] | None = None,
) -> dict[int, str]:
    """Set what contacts want of a type, in one statement; the former status of each one for whom it is new.

    The caller has asked `problems_of` and `reachable`; locks are taken in the order of the contacts. `explanations`:
    by contact, instead of the wish's own.
    """
    asked = sorted(set(ids))
    if not asked:
        return {}
    texts = {pk: (explanations or {}).get(pk, wish.explanation) for pk in asked}
    rows = [{"id": pk, "explanation": text} for pk, text in texts.items()]
    quote = connection.ops.quote_name
    sql = SET.format(now=quote(Subscription._meta.db_table), history=quote(SubscriptionChange._meta.db_table))
    facts = {
        "ids": array(asked), "asked": json.dumps(rows), "type": wish.type.slug, "status": wish.status,
        "basis": wish.legal_basis, "source": source, "by": getattr(by, "pk", by), "workflow": workflow_id,
        "now": now,
    }  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql, facts)
            changed = dict(cursor.fetchall())
        tell(wish, {pk: texts[pk] for pk, before in changed.items() if before != wish.status}, now)
    return changed


def tell(wish: Wish, reasons: Mapping[int, str], now: dt.datetime) -> None:
    """Record that contacts have opted in or out (EVT-13)."""
    state = STATES.get(wish.status)
    if state is None or not reasons:
        return
    facts = {"subscription": wish.type.slug, "channel": wish.type.channel, "state": state}
    occurrences = [
        Occurrence(pk, {**facts, "reason": " ".join(reason.split())[:REASON_LIMIT] or None})
        for pk, reason in reasons.items()
    ]
    happen(EVENT, "contact", occurrences, now=now)
