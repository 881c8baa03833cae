"""Comments on a workflow: the list on a page of its own and in the editor, and everything that is done in it.

Whoever may view the workflow may read and write them: a comment changes nothing of the workflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.ids import id_of
from records.problems import DocumentError
from workflows import drafting
from workflows.admin import comment_list
from workflows.discussion import mentions, presence, threads
from workflows.discussion.places import open_threads, places
from workflows.models import Comment, Presence, Thread, Workflow

SUGGESTED = 8


class CommentViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def comment_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/comments/", wrap(self.comments_view), name="workflow_comments"),
            path("<int:pk>/comments/people/", wrap(self.mentionable_view), name="workflow_mentionable"),
            path("<int:pk>/editor/presence/", wrap(require_POST(self.presence_view)), name="workflow_presence"),
        ]

    def comments_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: the list, for htmx without the page around it. POST: `do` one of DEEDS."""
        workflow = self.workflow_or_404(request, pk, "view")
        said, failed, part = "", "", "HX-Request" in request.headers
        if request.method == "POST":
            try:
                said = done(request, workflow)
            except DocumentError as error:
                failed = " ".join(str(problem.message) for problem in error.problems)
            if not part:
                (messages.error if failed else messages.success)(request, failed or said)
                return redirect(f"{reverse('admin:workflow_comments', args=[pk])}?{request.GET.urlencode()}")
        sent = "" if failed else comment_list.box_of(request.POST)
        context = {"workflow": workflow, "said": failed or said, "failed": bool(failed), "sent": sent}
        context |= comment_list.facts(workflow, request.user, request.GET)
        if part:
            context["counts"] = open_threads(workflow)
            return TemplateResponse(request, "admin/workflows/workflow/comment_list.html", context)
        context |= self.admin_site.each_context(request) | {"title": _("Comments")}
        return TemplateResponse(request, "admin/workflows/workflow/comments.html", context)

    def mentionable_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The people one may mean by `q` after an @."""
        workflow = self.workflow_or_404(request, pk, "view")
        people = mentions.suggested(workflow, request.GET.get("q", "")[:100], SUGGESTED)
        found = [{"username": person.get_username(), "name": str(person)} for person in people]
        count = ngettext("%(count)d person", "%(count)d people", len(found)) % {"count": len(found)}
        return JsonResponse({"people": found, "said": count if found else _("Nobody of that name")})

    def presence_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """An open editor says so; the answer: who else is there, what is commented on, and whether the draft changed.

        POST `step`, whose panel is open, and `rev`, the draft's as the editor shows it.
        """
        workflow = self.workflow_or_404(request, pk, "view")
        now, revision = database_now(), drafting.shown(workflow)
        document = revision.definition if revision else {}
        step = request.POST.get("step", "")
        presence.seen(workflow, step if step in places(document) else "", user=request.user, now=now)
        here = presence.others(workflow, user=request.user, now=now)
        rev = id_of(request.POST.get("rev"))
        changed = revision is not None and rev is not None and rev < revision.rev
        return JsonResponse({
            "people": [person_as_json(one, document) for one in here],
            "threads": open_threads(workflow),
            "newest": Comment.objects.filter(thread__workflow=workflow).aggregate(pk=Max("pk"))["pk"] or 0,
            "rev": revision.rev if revision else 0,
            "changed": drafting.last_change(revision).sentence if changed and revision else "",
        })  # fmt: skip


def person_as_json(one: Presence, document: dict[str, Any]) -> dict[str, str]:
    return comment_list.person(one.user) | {
        "since": comment_list.since(one.since),
        "step": one.step,
        "at": places(document)[one.step].name if one.step and one.step in places(document) else "",
    }


def site_of(request: HttpRequest) -> str:
    """Where this installation is reached: "https://crm.example.com"."""
    return request.build_absolute_uri("/").removesuffix("/")


def begin(request: HttpRequest, workflow: Workflow) -> str:
    text, now = request.POST.get("text", ""), database_now()
    step = request.POST.get("step", "")
    comment = threads.begin(workflow, step, text, user=request.user, now=now, site=site_of(request))
    return with_unknown(_("The comment is saved."), comment)


def reply(request: HttpRequest, workflow: Workflow) -> str:
    thread = one_thread(request, workflow)
    text, now = request.POST.get("text", ""), database_now()
    comment = threads.reply(thread, text, user=request.user, now=now, site=site_of(request))
    return with_unknown(_("The reply is saved."), comment)


def edit(request: HttpRequest, workflow: Workflow) -> str:
    comment = one_comment(request, workflow)
    text, now = request.POST.get("text", ""), database_now()
    edited = threads.edit(comment, text, user=request.user, now=now, site=site_of(request))
    return with_unknown(_("The comment is changed."), edited)


def remove(request: HttpRequest, workflow: Workflow) -> str:
    threads.remove(one_comment(request, workflow), user=request.user, now=database_now())
    return _("The comment is deleted.")


def resolve(request: HttpRequest, workflow: Workflow) -> str:
    threads.resolve(one_thread(request, workflow), user=request.user, now=database_now())
    return _("The thread is resolved.")


def reopen(request: HttpRequest, workflow: Workflow) -> str:
    threads.reopen(one_thread(request, workflow))
    return _("The thread is open again.")


#: What a form of the list can ask for. Each answers with a sentence, and raises like the verb it calls.
DEEDS: dict[str, Callable[[HttpRequest, Workflow], str]] = {
    deed.__name__: deed for deed in (begin, reply, edit, remove, resolve, reopen)
}


def done(request: HttpRequest, workflow: Workflow) -> str:
    """Do what a form asks for. Raises Http404, PermissionDenied and DocumentError."""
    deed = DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        raise Http404(_("Comments cannot do “%(do)s”.") % {"do": request.POST.get("do", "")})
    return deed(request, workflow)


def one_thread(request: HttpRequest, workflow: Workflow) -> Thread:
    found = workflow.threads.filter(pk=id_of(request.POST.get("thread")) or 0).first()
    if found is None:
        raise threads.refuse("thread", _("The thread has been deleted meanwhile. Begin another one."))
    return found


def one_comment(request: HttpRequest, workflow: Workflow) -> Comment:
    wanted = id_of(request.POST.get("comment")) or 0
    found = Comment.objects.select_related("thread").filter(thread__workflow=workflow, pk=wanted).first()
    if found is None:
        raise threads.refuse("comment", _("The comment has been deleted meanwhile."))
    return found


def with_unknown(said: str, comment: Comment) -> str:
    """What was done, and who was not told although the text seems to name them."""
    names = mentions.unknown(comment.text, comment.mentioned.all())
    if not names:
        return said
    message = _("%(said)s Nobody called %(names)s may see this workflow: they were not told.")
    return message % {"said": said, "names": ", ".join(f"@{name}" for name in names)}
