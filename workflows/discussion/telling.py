"""Telling people about comments: whoever is named, and whoever has written in a thread that goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from workflows.discussion import mailing
from workflows.discussion.mentions import open_to, readers
from workflows.health.notifying import url_of
from workflows.models import Comment, Notification, Workflow

#: How much of a comment a notification quotes.
QUOTED = 500


def tell_mentioned(comment: Comment, people: Collection[Any], *, now: dt.datetime, site: str = "") -> set[int]:
    """Tell those whom a comment names, but not its author, under the bell and by mail; their ids."""
    title = _("%(who)s mentioned you in “%(workflow)s”")
    told = tell(comment, {person.pk for person in people}, title, now)
    subject = title % {"who": str(comment.author), "workflow": comment.thread.workflow.name}
    address_there = f"{site}{address(comment.thread.workflow, comment)}" if site else ""
    mailing.send(comment, [one for one in people if one.pk in told], subject, address_there, now=now)
    return told


def tell_thread(comment: Comment, told: set[int], *, now: dt.datetime) -> None:
    """Tell those who have written in the thread before and may still read it, unless they have been `told`."""
    earlier = Comment.objects.filter(thread=comment.thread_id, deleted_at=None).exclude(author=None)
    people = open_to(comment.thread.workflow, readers().filter(pk__in=earlier.values("author")))
    tell(comment, {person.pk for person in people} - told, _("%(who)s replied in “%(workflow)s”"), now)


def tell(comment: Comment, people: set[int], title: str, now: dt.datetime) -> set[int]:
    workflow = comment.thread.workflow
    facts = {"who": str(comment.author), "workflow": workflow.name}
    ids = people - {comment.author_id}
    Notification.objects.bulk_create(
        Notification(
            user_id=pk, title=(title % facts)[:250], body=comment.text[:QUOTED], url=address(workflow, comment),
            created_at=now,
        )
        for pk in sorted(ids)
    )  # fmt: skip
    return ids


def address(workflow: Workflow, comment: Comment) -> str:
    """Where a comment is read; "" on a site without the admin."""
    url = url_of(workflow)
    return f"{url}?comment={comment.pk}" if url else ""


def notices(comment: Comment) -> QuerySet[Notification]:
    """What was told about a comment: it follows the comment when that is changed or deleted."""
    people = {*comment.mentioned.values_list("pk", flat=True)}
    people |= set(Comment.objects.filter(thread=comment.thread_id).values_list("author", flat=True))
    url = address(comment.thread.workflow, comment)
    return Notification.objects.filter(user__in=people - {None}, url=url).exclude(url="")
