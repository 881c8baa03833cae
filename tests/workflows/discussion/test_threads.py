"""Comments on a workflow: who is told, whose they are, and that they are no part of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.test import Client
from django.urls import reverse

from records.models import Access
from records.problems import DocumentError
from tests.workflows.building import NOW, step
from tests.workflows.restricted import MANUAL, RAISE, RENAME, member
from workflows import drafting
from workflows.discussion import mailing, mentions, threads
from workflows.discussion.places import open_threads, place_of, places
from workflows.models import Comment, Delivery, DraftOp, Notification, Thread, Workflow
from workflows.outbox.delivering import deliver
from workflows.rights.opening import of_known_workflows

pytestmark = pytest.mark.django_db

DOCUMENT = {
    "format": 1, "object": "contact", "trigger": {"kind": "manual"},
    "steps": [step("wait", "delay", days=1), step("over", "end")],
}  # fmt: skip
LATER = NOW + dt.timedelta(minutes=5)


def person(username: str, *rights: str, **facts: Any) -> Any:
    user = get_user_model().objects.create_user(username, **{"is_staff": True} | facts)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


@pytest.fixture
def ann() -> Any:
    return person("ann", "view_workflow", first_name="Ann", last_name="Berg")


@pytest.fixture
def bob() -> Any:
    return person("bob.l", "view_workflow", first_name="Bob", last_name="Lind")


@pytest.fixture
def workflow() -> Workflow:
    return drafting.create("Welcome", "contact", None, DOCUMENT)


def told(user: Any) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("title", flat=True))


def refused(call: Any, *given: Any, **named: Any) -> str:
    with pytest.raises(DocumentError) as error:
        call(*given, **named)
    return str(error.value.problems[0].message)


@pytest.mark.covers("EDT-03")
def test_whom_a_comment_names_gets_one_mail_with_where_it_is_read(workflow: Workflow, ann: Any, bob: Any) -> None:
    cid = person("cid", "view_workflow", email="cid@example.com")
    get_user_model().objects.filter(pk__in=[ann.pk, bob.pk]).update(email=F("username"))
    site = "https://crm.example.com"
    comment = threads.begin(workflow, "wait", "Why a day, @bob.l? I am @ann.", user=ann, now=NOW, site=site)
    assert deliver(LATER) == 1
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["bob.l"], "Ann Berg mentioned you in “Welcome”")
    assert "Why a day, @bob.l?" in sent.body
    assert f"{site}/admin/workflows/workflow/{workflow.pk}/editor/?comment={comment.pk}" in sent.body
    threads.edit(comment, "Why a day, @cid?", user=ann, now=NOW)
    threads.edit(comment, "Why a day, @cid and @bob.l?", user=ann, now=NOW)
    threads.reply(comment.thread, "A reply to all.", user=bob, now=NOW)
    assert deliver(LATER) == 1 and [one.to for one in mail.outbox] == [["bob.l"], ["cid@example.com"]]
    assert told(cid) == ["Ann Berg mentioned you in “Welcome”"]


def test_no_mail_goes_to_who_wants_none_nor_about_a_comment_deleted_meanwhile(workflow: Workflow, ann: Any) -> None:
    bob = person("bob", "view_workflow", email="bob@example.com")
    client = Client()
    client.force_login(bob)
    mailing.wish(bob, mentions=False)
    threads.begin(workflow, "", "@bob", user=ann, now=NOW)
    assert deliver(LATER) == 0 and len(told(bob)) == 1
    page, switch = reverse("admin:workflows_notification_changelist"), reverse("admin:notification_mail")
    assert "Turn these emails on" in client.get(page).content.decode()
    assert "Turn these emails off" in client.post(switch, {"mentions": "on"}, follow=True).content.decode()
    threads.remove(threads.begin(workflow, "", "@bob", user=ann, now=NOW), user=ann, now=NOW)
    assert deliver(LATER) == 0
    threads.begin(workflow, "", "@bob", user=ann, now=NOW)
    assert deliver(LATER) == 1 and mail.outbox[0].to == ["bob@example.com"]


def test_mails_about_a_closed_workflow_are_no_deliveries_one_may_see(ann: Any) -> None:
    eve = member("eve", Access.NONE, "workflows.view_delivery")
    person("bob", "view_workflow", email="bob@example.com")
    document = {"format": 1, "object": "deal", "trigger": MANUAL, "steps": [RAISE]}
    for name, steps in (("Closed", [RAISE]), ("Open", [RENAME])):
        workflow = drafting.create(name, "deal", ann, document | {"steps": steps})
        threads.begin(workflow, "", f"@bob in {name}", user=ann, now=NOW)
    seen = [one.request["text"] for one in of_known_workflows(Delivery.objects.all(), eve)]
    assert len(seen) == 1 and "in Open" in seen[0] and Delivery.objects.count() == 2


@pytest.mark.covers("EDT-03")
def test_a_comment_tells_whom_it_names_where_it_is_read_and_nobody_else(workflow: Workflow, ann: Any, bob: Any):
    person("cid")
    person("dan", "view_workflow", is_active=False)
    person("eve", "view_workflow", is_staff=False)
    text = "Why a day, @bob.l? Ask @cid, @dan, @eve, @nobody and me@bob.l; I am @ann."
    comment = threads.begin(workflow, "wait", text, user=ann, now=NOW)
    assert [user.username for user in comment.mentioned.order_by("pk")] == ["ann", "bob.l"]
    [notice] = Notification.objects.all()
    assert (notice.user, notice.title) == (bob, "Ann Berg mentioned you in “Welcome”")
    assert notice.url == f"/admin/workflows/workflow/{workflow.pk}/editor/?comment={comment.pk}"
    assert mentions.unknown(text, [ann, bob]) == ["cid", "dan", "eve", "nobody"]
    assert open_threads(workflow) == {"wait": 1}


def test_to_whom_the_workflow_is_closed_because_of_a_property_is_told_nothing(ann: Any):
    eve = member("eve", Access.NONE)
    document = {"format": 1, "object": "deal", "trigger": MANUAL, "steps": [RAISE]}
    workflow = drafting.create("Closed", "deal", ann, document)
    assert mentions.suggested(workflow, "eve", 8) == []
    open_one = drafting.create("Open", "deal", ann, {**document, "steps": [RENAME]})
    assert mentions.suggested(open_one, "eve", 8) == [eve]
    comment = threads.begin(workflow, "", "Look, @eve", user=ann, now=NOW)
    assert not comment.mentioned.exists() and told(eve) == []
    Comment.objects.create(thread=comment.thread, author=eve, text="From before", created_at=NOW)
    threads.reply(comment.thread, "And now?", user=ann, now=LATER)
    assert told(eve) == []


def test_a_reply_tells_once_who_has_written_before_and_who_is_named(workflow: Workflow, ann: Any, bob: Any):
    cid = person("cid", "view_workflow")
    first = threads.begin(workflow, "", "Is this right?", user=ann, now=NOW)
    threads.reply(first.thread, "Yes, @ann. See @cid", user=bob, now=LATER)
    assert told(ann) == ["Bob Lind mentioned you in “Welcome”"]
    assert told(cid) == ["Bob Lind mentioned you in “Welcome”"] and told(bob) == []
    threads.reply(first.thread, "Thank you", user=ann, now=LATER)
    assert told(bob) == ["Ann Berg replied in “Welcome”"] and told(cid) == ["Bob Lind mentioned you in “Welcome”"]
    bob.user_permissions.clear()
    threads.reply(first.thread, "Done", user=ann, now=LATER)
    assert len(told(bob)) == 1


def test_a_change_tells_only_who_is_named_anew_and_what_was_told_follows(workflow: Workflow, ann: Any, bob: Any):
    cid = person("cid", "view_workflow")
    comment = threads.begin(workflow, "trigger", "A secret for @bob.l", user=ann, now=NOW)
    edited = threads.edit(comment, "For @bob.l and @cid", user=ann, now=LATER)
    assert (edited.text, edited.edited_at) == ("For @bob.l and @cid", LATER)
    bodies = Notification.objects.order_by("user").values_list("user__username", "body")
    assert list(bodies) == [("bob.l", "For @bob.l and @cid"), ("cid", "For @bob.l and @cid")]
    threads.remove(comment, user=ann, now=LATER)
    assert not Notification.objects.exists() and not Thread.objects.exists()
    assert told(cid) == []


def test_only_who_wrote_a_comment_changes_or_deletes_it(workflow: Workflow, ann: Any):
    comment = threads.begin(workflow, "", "Mine", user=ann, now=NOW)
    boss = get_user_model().objects.create_superuser("boss")
    with pytest.raises(PermissionDenied):
        threads.edit(comment, "Yours", user=boss, now=LATER)
    with pytest.raises(PermissionDenied):
        threads.remove(comment, user=boss, now=LATER)
    comment.refresh_from_db()
    assert comment.text == "Mine"


def test_a_deleted_comment_that_was_answered_leaves_its_place_and_the_last_one_takes_the_thread_along(
    workflow: Workflow, ann: Any, bob: Any
):
    first = threads.begin(workflow, "", "One", user=ann, now=NOW)
    second = threads.reply(first.thread, "Two", user=bob, now=NOW)
    third = threads.reply(first.thread, "Three", user=ann, now=NOW)
    threads.remove(second, user=bob, now=LATER)
    assert list(Comment.objects.values_list("text", flat=True)) == ["One", "", "Three"]
    assert "deleted meanwhile" in refused(threads.edit, second, "Again", user=bob, now=LATER)
    threads.remove(third, user=ann, now=LATER)
    assert list(Comment.objects.values_list("text", flat=True)) == ["One"]
    threads.remove(first, user=ann, now=LATER)
    assert not Thread.objects.exists()
    assert "deleted meanwhile" in refused(threads.reply, first.thread, "Late", user=bob, now=LATER)


def test_a_thread_is_resolved_by_the_first_and_open_again_when_somebody_replies(
    workflow: Workflow, ann: Any, bob: Any
):
    thread = threads.begin(workflow, "wait", "Too long?", user=ann, now=NOW).thread
    threads.resolve(thread, user=bob, now=NOW)
    resolved = threads.resolve(thread, user=ann, now=LATER)
    assert (resolved.resolved_by, resolved.resolved_at) == (bob, NOW) and open_threads(workflow) == {}
    assert threads.reopen(thread).resolved_at is None and open_threads(workflow) == {"wait": 1}
    threads.resolve(thread, user=ann, now=LATER)
    threads.reply(thread, "Not yet", user=bob, now=LATER)
    assert open_threads(workflow) == {"wait": 1}


def test_comments_are_no_part_of_the_draft_and_what_is_undone_leaves_them(workflow: Workflow, ann: Any):
    before = drafting.draft_of(workflow)
    updated = workflow.updated_at
    thread = threads.begin(workflow, "wait", "Keep me", user=ann, now=NOW).thread
    threads.resolve(thread, user=ann, now=NOW)
    threads.reopen(thread)
    workflow.refresh_from_db()
    after = drafting.draft_of(workflow)
    assert (after.rev, after.definition, workflow.updated_at) == (before.rev, before.definition, updated)
    assert not DraftOp.objects.exists()

    drafting.apply(workflow, {"op": "delete", "step": "wait"}, rev=0, user=ann, now=NOW)
    place = place_of(thread, places(drafting.draft_of(workflow).definition))
    assert (place.name, place.gone) == ("Step deleted: Delay for a set amount of time", True)
    drafting.undo(workflow, rev=1, user=ann, now=NOW)
    place = place_of(thread, places(drafting.draft_of(workflow).definition))
    assert (place.name, place.gone) == ("Step 1: Delay for a set amount of time", False)


def test_a_new_step_never_takes_over_the_comments_of_a_deleted_one(workflow: Workflow, ann: Any):
    add = {"op": "insert", "at": "steps.0", "step": {"action": "delay"}}
    assert drafting.apply(workflow, add, rev=0, user=ann, now=NOW).selected == "delay"
    threads.begin(workflow, "delay", "About this one", user=ann, now=NOW)
    drafting.apply(workflow, {"op": "delete", "step": "delay"}, rev=1, user=ann, now=NOW)
    another = drafting.apply(workflow, {"op": "batch", "ops": [add]}, rev=2, user=ann, now=NOW)
    assert another.selected == "delay-2"
    threads.begin(workflow, "delay-2", "About the other", user=ann, now=NOW)
    drafting.undo(workflow, rev=3, user=ann, now=NOW)
    again = drafting.redo(workflow, rev=4, user=ann, now=NOW)
    assert drafting.step_of(again.revision.definition, "delay-2") is not None
    assert drafting.step_of(again.revision.definition, "delay-3") is None


def test_a_text_is_bounded_and_a_step_must_be_there(workflow: Workflow, ann: Any):
    assert "Write something" in refused(threads.begin, workflow, "", " \n ", user=ann, now=NOW)
    assert "this one has 4,001" in refused(threads.begin, workflow, "", "x" * 4_001, user=ann, now=NOW)
    assert "“gone” is not there" in refused(threads.begin, workflow, "gone", "Hello", user=ann, now=NOW)
    assert not Thread.objects.exists()
    assert threads.begin(workflow, "", f" {'x' * 4_000}\r\n", user=ann, now=NOW).text == "x" * 4_000


def test_a_text_is_shown_escaped_with_safe_links_and_the_names_of_people(ann: Any, bob: Any):
    text = "<script>alert(1)</script> https://example.org/?a=1&b=<i> javascript:alert(1)"
    text += " (@bob.l) @ann. @bob.lx a@ann"
    html = mentions.shown(text, [ann, bob])
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert '<a href="https://example.org/?a=1&amp;b=" rel="nofollow">' in html
    assert html.count("<a ") == 1 and 'href="javascript' not in html
    assert '(<span class="mention">@Bob Lind</span>) <span class="mention">@Ann Berg</span>. @bob.lx a@ann' in html


def test_whom_one_may_mean_is_found_by_any_part_of_the_name(workflow: Workflow, ann: Any, bob: Any):
    person("lindgren")
    assert mentions.suggested(workflow, "lin", 8) == [bob]
    assert mentions.suggested(workflow, "be an", 8) == [ann]
    assert mentions.suggested(workflow, "", 1) == [ann]
