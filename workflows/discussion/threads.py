"""Writing, changing, deleting comments; resolving threads and opening them again.

Whoever may view a workflow may take part: entry points check that. Its definition is never touched, so that nothing
here can be undone, published or in conflict with an edit (EDT-03).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows import drafting
from workflows.discussion import mailing, mentions, telling
from workflows.discussion.places import TRIGGER, WORKFLOW
from workflows.models import Comment, Thread, Workflow

TEXT_LIMIT = 4_000
#: How many comments a thread, and how many threads a workflow can have.
COMMENT_LIMIT, THREAD_LIMIT = 200, 1_000


@transaction.atomic
def begin(workflow: Workflow, step: str, text: str, *, user: Any, now: dt.datetime, site: str = "") -> Comment:
    """Begin a thread about a step of the definition that is shown, "trigger", or "" for the workflow.

    `site` is where mails say that it is read: https://crm.example.com. Raises DocumentError.
    """
    if workflow.threads.count() >= THREAD_LIMIT:
        message = _("A workflow has at most %(limit)d threads. Reply in one of them, or delete old comments of yours.")
        raise refuse("text", message % {"limit": THREAD_LIMIT})
    thread = Thread(workflow=workflow, step=step, action=action_of(workflow, step), created_at=now)
    return write(thread, text, user, now, site)


def action_of(workflow: Workflow, step: str) -> str:
    """The action of a step, "" for what is none. Raises DocumentError for a step that is not there."""
    if step in (WORKFLOW, TRIGGER):
        return ""
    revision = drafting.shown(workflow)
    found = drafting.step_of(revision.definition, step) if revision else None
    if found is None:
        message = _("The step “%(step)s” is not there any more. Comment on another one, or on the workflow.")
        raise refuse("step", message % {"step": step}, step)
    return str(found.get("action", ""))[:100]


@transaction.atomic
def reply(thread: Thread, text: str, *, user: Any, now: dt.datetime, site: str = "") -> Comment:
    """Go on with a thread; a resolved one is open again, so that the reply is seen. Raises DocumentError."""
    locked = lock(thread)
    if locked.comments.count() >= COMMENT_LIMIT:
        message = _("A thread has at most %(limit)d comments. Begin another one.")
        raise refuse("text", message % {"limit": COMMENT_LIMIT})
    locked.resolved_at = locked.resolved_by = None
    return write(locked, text, user, now, site)


def write(thread: Thread, text: str, user: Any, now: dt.datetime, site: str) -> Comment:
    checked = check(text)
    replying = thread.pk is not None
    thread.save()
    comment = Comment.objects.create(thread=thread, author=user, text=checked, created_at=now)
    people = mentions.mentioned(thread.workflow, checked)
    comment.mentioned.set(people)
    told = telling.tell_mentioned(comment, people, now=now, site=site)
    if replying:
        telling.tell_thread(comment, told, now=now)
    return comment


@transaction.atomic
def edit(comment: Comment, text: str, *, user: Any, now: dt.datetime, site: str = "") -> Comment:
    """Change one's own comment; only who is named anew is told. Raises PermissionDenied and DocumentError."""
    thread = lock(comment.thread)
    own = owned(thread, comment, user)
    checked = check(text)
    if checked == own.text:
        return own
    before = set(own.mentioned.values_list("pk", flat=True))
    people = mentions.mentioned(thread.workflow, checked)
    telling.notices(own).update(body=checked[: telling.QUOTED])
    own.text, own.edited_at = checked, now
    own.save(update_fields=["text", "edited_at"])
    own.mentioned.set(people)
    telling.tell_mentioned(own, [person for person in people if person.pk not in before], now=now, site=site)
    return own


@transaction.atomic
def remove(comment: Comment, *, user: Any, now: dt.datetime) -> None:
    """Delete one's own comment, its text at once; a thread without comments goes. Raises PermissionDenied."""
    thread = lock(comment.thread)
    own = owned(thread, comment, user)
    telling.notices(own).delete()
    mailing.unsend(own)
    own.text, own.deleted_at = "", now
    own.save(update_fields=["text", "deleted_at"])
    own.mentioned.clear()
    last = thread.comments.filter(deleted_at=None).order_by("pk").last()
    if last is None:
        thread.delete()
    else:
        thread.comments.filter(pk__gt=last.pk).delete()


@transaction.atomic
def resolve(thread: Thread, *, user: Any, now: dt.datetime) -> Thread:
    """Close a thread that is open; whoever was first has resolved it."""
    locked = lock(thread)
    if locked.resolved_at is None:
        locked.resolved_at, locked.resolved_by = now, user
        locked.save(update_fields=["resolved_at", "resolved_by"])
    return locked


@transaction.atomic
def reopen(thread: Thread) -> Thread:
    """Open a resolved thread again."""
    locked = lock(thread)
    locked.resolved_at = locked.resolved_by = None
    locked.save(update_fields=["resolved_at", "resolved_by"])
    return locked


def lock(thread: Thread) -> Thread:
    """The thread as it is now. Raises DocumentError when its last comment has been deleted meanwhile."""
    locked = Thread.objects.select_for_update(of=("self",)).select_related("workflow").filter(pk=thread.pk).first()
    if locked is None:
        raise refuse("thread", _("The thread has been deleted meanwhile. Begin another one."))
    return locked


def owned(thread: Thread, comment: Comment, user: Any) -> Comment:
    """The comment, if it is the person's own. Raises PermissionDenied and DocumentError."""
    found = thread.comments.filter(pk=comment.pk, deleted_at=None).first()
    if found is None:
        raise refuse("comment", _("The comment has been deleted meanwhile."))
    if found.author_id != user.pk:
        raise PermissionDenied(_("Only who has written a comment may change or delete it."))
    found.thread = thread
    return found


def check(text: str) -> str:
    """The text as it is kept. Raises DocumentError for one that is blank or too long."""
    kept = text.replace("\r\n", "\n").strip()
    if not kept:
        raise refuse("text", _("Write something before you send the comment."))
    if len(kept) > TEXT_LIMIT:
        message = _("A comment has at most %(limit)s characters; this one has %(count)s. Shorten it.")
        raise refuse("text", message % {"limit": f"{TEXT_LIMIT:,}", "count": f"{len(kept):,}"})
    if "\0" in kept:
        raise refuse("text", _("A comment cannot have a NUL character. Write it anew."))
    return kept


def refuse(path: str, message: str, value: Any = None) -> DocumentError:
    return DocumentError([Problem(path, message, value)])
