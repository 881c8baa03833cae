"""What the list of comments shows: threads by what they are about, in reading order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from records.ids import id_of
from workflows import drafting
from workflows.discussion import mentions, threads
from workflows.discussion.places import Place, place_of, places
from workflows.models import Comment, Thread, Workflow

#: How many threads are shown at once, the newest of those there are.
SHOWN = 100
OPEN, RESOLVED = "open", "resolved"
#: `step` for threads about everything; "" stands for the workflow.
EVERYTHING = "all"


@dataclass(frozen=True)
class Line:
    """A comment as it is shown to one person."""

    comment: Comment
    author: dict[str, str]
    html: SafeString
    own: bool

    @property
    def box(self) -> str:
        """The text box in which it is changed."""
        return f"edit-{self.comment.pk}"


@dataclass(frozen=True)
class Talk:
    """A thread as it is shown to one person."""

    thread: Thread
    lines: list[Line]

    @property
    def box(self) -> str:
        """The text box in which it is replied to."""
        return f"reply-{self.thread.pk}"


@dataclass(frozen=True)
class Group:
    """The threads about one thing."""

    place: Place
    talks: list[Talk]


def facts(workflow: Workflow, user: Any, asked: QueryDict) -> dict[str, Any]:
    """The list for `?step=` (EVERYTHING without), `?state=` or the thread of `?comment=`."""
    revision = drafting.shown(workflow)
    known = places(revision.definition if revision else {})
    linked = linked_comment(workflow, asked.get("comment", ""))
    state = RESOLVED if asked.get("state") == RESOLVED else OPEN
    if linked is not None:
        state = RESOLVED if linked.thread.resolved_at else OPEN
    step = EVERYTHING if linked is not None else asked.get("step", EVERYTHING)
    about = workflow.threads.all() if step == EVERYTHING else workflow.threads.filter(step=step)
    found = shown_threads(about, state, linked)
    scope = known.get(step)
    return {
        "groups": groups(found, known, user),
        "counts_by_state": about.aggregate(
            open=Count("pk", filter=Q(resolved_at=None)), resolved=Count("pk", filter=~Q(resolved_at=None))
        ),
        "state": state, "step": step, "scope": scope, "places": known.values(),
        "chosen": step if scope else "", "linked": linked.pk if linked else 0,
        "lost": bool(asked.get("comment")) and linked is None, "limit": threads.TEXT_LIMIT, "shown": SHOWN,
        "query": query(step, state),
    }  # fmt: skip


def query(step: str, state: str) -> str:
    asked = QueryDict(mutable=True)
    asked["step"], asked["state"] = step, state
    return asked.urlencode()


def linked_comment(workflow: Workflow, asked: str) -> Comment | None:
    if not asked:
        return None
    found = Comment.objects.select_related("thread").filter(thread__workflow=workflow, deleted_at=None)
    return found.filter(pk=id_of(asked) or 0).first()


def shown_threads(about: QuerySet[Thread], state: str, linked: Comment | None) -> list[Thread]:
    """The newest threads in a state with their comments, and the one that was linked to, oldest first."""
    comments = Comment.objects.select_related("author").prefetch_related("mentioned").order_by("pk")
    wanted = about.filter(resolved_at__isnull=state == OPEN).select_related("resolved_by")
    wanted = wanted.prefetch_related(Prefetch("comments", comments))
    newest = list(wanted.order_by("-pk")[:SHOWN])
    if linked is not None and linked.thread_id not in {thread.pk for thread in newest}:
        newest += wanted.filter(pk=linked.thread_id)
    return sorted(newest, key=lambda thread: thread.pk)


def groups(found: Iterable[Thread], known: Mapping[str, Place], user: Any) -> list[Group]:
    """Threads by what they are about: in reading order, then what is deleted."""
    sorted_out: dict[str, Group] = {}
    for thread in found:
        group = sorted_out.setdefault(thread.step, Group(place_of(thread, dict(known)), []))
        group.talks.append(Talk(thread, [line(comment, user) for comment in thread.comments.all()]))
    order = {step: number for number, step in enumerate(known)}
    return sorted(sorted_out.values(), key=lambda group: order.get(group.place.step, len(order)))


def line(comment: Comment, user: Any) -> Line:
    author = person(comment.author) if comment.author else {"name": _("A deleted user"), "initials": "–"}
    own = comment.author_id == user.pk and comment.deleted_at is None
    return Line(comment, author, mentions.shown(comment.text, comment.mentioned.all()), own)


def person(user: Any) -> dict[str, str]:
    """A person's name, and the letters of the picture that stands for it."""
    name = str(user)
    words = [word for word in name.split() if word[0].isalnum()] or [name]
    letters = words[0][:1] + (words[-1][:1] if len(words) > 1 else "")
    return {"name": name, "initials": letters.upper()}


def since(moment: dt.datetime) -> str:
    return _("here since %(time)s") % {"time": date_format(localtime(moment), "TIME_FORMAT")}


def box_of(sent: Mapping[str, Any]) -> str:
    """The text box a form was sent from: it is emptied, the others keep what is half written in them."""
    names = {"begin": "comment-new", "reply": f"reply-{sent.get('thread')}", "edit": f"edit-{sent.get('comment')}"}
    return names.get(str(sent.get("do", "")), "")
