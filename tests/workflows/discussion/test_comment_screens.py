"""The list of comments, in the editor and on its own page, and the editor's heartbeat: rights, answers, queries."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from records.clock import database_now
from tests.workflows.discussion.test_threads import DOCUMENT, person
from workflows import drafting
from workflows.discussion import threads
from workflows.models import Comment, Presence, Thread, Workflow

pytestmark = pytest.mark.django_db
BASE = "/admin/workflows/workflow"


@pytest.fixture
def ann() -> Any:
    return person("ann", "view_workflow", first_name="Ann", last_name="Berg")


@pytest.fixture
def workflow() -> Workflow:
    return drafting.create("Welcome", "contact", None, DOCUMENT)


def visitor(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, workflow: Workflow, **data: Any) -> Any:
    return client.post(f"{BASE}/{workflow.pk}/comments/?step=all", data, headers={"HX-Request": "true"})


def page_of(client: Client, workflow: Workflow, query: str = "") -> str:
    answer = client.get(f"{BASE}/{workflow.pk}/comments/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def beat(client: Client, workflow: Workflow, **data: Any) -> Any:
    return client.post(f"{BASE}/{workflow.pk}/editor/presence/", data)


@pytest.mark.covers("EDT-03")
def test_who_may_only_view_comments_replies_resolves_and_changes_nothing_of_the_workflow(ann: Any, workflow: Workflow):
    client = visitor(ann)
    answer = send(client, workflow, do="begin", step="wait", text="Why a day?")
    comment = Comment.objects.get()
    assert answer.status_code == 200 and "Why a day?" in answer.content.decode()
    assert '<script id="comments-counts" type="application/json">{"wait": 1}' in answer.content.decode()
    send(client, workflow, do="reply", thread=comment.thread_id, text="I see")
    send(client, workflow, do="edit", comment=comment.pk, text="Why two?")
    send(client, workflow, do="resolve", thread=comment.thread_id)
    assert list(Comment.objects.values_list("text", flat=True)) == ["Why two?", "I see"]
    assert "Why two?" not in page_of(client, workflow) and "Why two?" in page_of(client, workflow, "?state=resolved")
    send(client, workflow, do="reopen", thread=comment.thread_id)
    assert Thread.objects.get().resolved_at is None
    editor = client.get(f"{BASE}/{workflow.pk}/editor/").content.decode()
    assert 'id="flow-threads" type="application/json">{"wait": 1}' in editor and "data-editable" not in editor
    outline = client.get(f"{BASE}/{workflow.pk}/outline/").content.decode()
    assert f'href="{BASE}/{workflow.pk}/comments/?step=wait"' in outline and "1 open comment thread" in outline


def test_without_the_right_to_view_or_after_deleting_there_are_no_comments(ann: Any, workflow: Workflow):
    threads.begin(workflow, "", "Hidden", user=ann, now=database_now())
    stranger, reader = visitor(person("eve", "change_workflow", "add_workflow")), visitor(ann)
    pages = ("comments/", "comments/people/?q=a")

    def answers(client: Client) -> set[int]:
        got = {client.get(f"{BASE}/{workflow.pk}/{page}").status_code for page in pages}
        return got | {beat(client, workflow).status_code, send(client, workflow, do="begin", text="x").status_code}

    assert answers(stranger) == {403} and answers(Client()) == {302}
    Workflow.objects.update(deleted_at=database_now())
    assert answers(reader) == {404}
    assert Comment.objects.count() == 1 and not Presence.objects.exists()


def test_comments_of_others_and_of_other_workflows_are_out_of_reach(ann: Any, workflow: Workflow):
    other = drafting.create("Other", "contact", None, DOCUMENT)
    mine = threads.begin(workflow, "", "Mine", user=ann, now=database_now())
    bob = visitor(person("bob", "view_workflow"))
    assert send(bob, workflow, do="edit", comment=mine.pk, text="His").status_code == 403
    assert send(bob, workflow, do="remove", comment=mine.pk).status_code == 403
    for deed in ({"do": "reply", "thread": mine.thread_id}, {"do": "edit", "comment": mine.pk}, {"do": "remove"}):
        answer = send(visitor(ann), other, text="Elsewhere", **{"comment": mine.pk} | deed)
        assert "deleted meanwhile" in answer.content.decode()
    assert send(bob, workflow, do="explode").status_code == 404
    assert "Mine" not in page_of(bob, other, f"?comment={mine.pk}")
    assert list(Comment.objects.values_list("text", flat=True)) == ["Mine"]


def test_a_link_to_a_comment_opens_its_thread_whether_resolved_or_not(ann: Any, workflow: Workflow):
    now = database_now()
    threads.begin(workflow, "", "Another", user=ann, now=now)
    comment = threads.begin(workflow, "wait", "Linked", user=ann, now=now)
    threads.resolve(comment.thread, user=ann, now=now)
    page = page_of(visitor(ann), workflow, f"?comment={comment.pk}")
    assert re.search(rf'id="comment-{comment.pk}" tabindex="-1" class="talk-linked"', page) and "Another" not in page
    threads.remove(comment, user=ann, now=now)
    assert "This comment has been deleted." in page_of(visitor(ann), workflow, f"?comment={comment.pk}")
    for strange in ("99999999999999999999", "x", "-1"):
        assert "This comment has been deleted." in page_of(visitor(ann), workflow, f"?comment={strange}")
    assert f'data-comment="{comment.pk}"' in (
        visitor(ann).get(f"{BASE}/{workflow.pk}/editor/?comment={comment.pk}").content.decode()
    )


def test_threads_stand_in_reading_order_and_those_of_deleted_steps_at_the_end(ann: Any, workflow: Workflow):
    now = database_now()
    for step in ("over", "wait", "", "trigger"):
        threads.begin(workflow, step, f"About {step}", user=ann, now=now)
    drafting.apply(workflow, {"op": "delete", "step": "wait"}, rev=0, user=ann, now=now)
    page = page_of(visitor(ann), workflow)
    names = re.findall(r'<h3 id="about-\d+">(?:<[^>]+>)*([^<]+)', page.replace("<use", "<"))
    assert names == ["The workflow", "Trigger", "Step 1: End", "Step deleted: Delay for a set amount of time"]


def test_what_is_refused_says_why_and_loses_no_word(ann: Any, workflow: Workflow):
    client = visitor(ann)
    answer = send(client, workflow, do="begin", step="gone", text="Kept").content.decode()
    assert "is not there any more" in answer and re.search(r'id="comment-new"[^>]*hx-preserve', answer)
    done = send(client, workflow, do="begin", step="", text="Hello @nobody").content.decode()
    assert "Nobody called @nobody may see this workflow" in done
    assert not re.search(r'id="comment-new"[^>]*hx-preserve', done)
    plain = client.post(
        f"{BASE}/{workflow.pk}/comments/?step=all", {"do": "begin", "step": "", "text": " "}, follow=True
    )
    assert plain.redirect_chain and "Write something before you send" in plain.content.decode()


def test_the_people_to_mention_are_those_who_may_see_the_workflow(ann: Any, workflow: Workflow):
    person("anders")
    answer = visitor(ann).get(f"{BASE}/{workflow.pk}/comments/people/?q=an").json()
    assert answer == {"people": [{"username": "ann", "name": "Ann Berg"}], "said": "1 person"}
    assert visitor(ann).get(f"{BASE}/{workflow.pk}/comments/people/?q=zz").json()["said"] == "Nobody of that name"


def test_an_open_editor_hears_who_else_is_there_and_what_they_did_to_the_draft(ann: Any, workflow: Workflow):
    bob = person("bob", "view_workflow", first_name="Bob", last_name="Lind")
    assert beat(visitor(ann), workflow, step="wait", rev="0").json()["people"] == []
    drafting.apply(workflow, {"op": "delete", "step": "over"}, rev=0, user=ann, now=database_now())
    facts = beat(visitor(bob), workflow, step="no such step", rev="0").json()
    [other] = facts["people"]
    assert (other["name"], other["initials"], other["at"]) == (
        "Ann Berg",
        "AB",
        "Step 1: Delay for a set amount of time",
    )
    assert facts["changed"].startswith("Ann Berg deleted the step “End” at ") and facts["rev"] == 1
    assert beat(visitor(bob), workflow, rev="1").json()["changed"] == ""
    assert beat(visitor(ann), workflow, rev="x").json()["people"][0]["at"] == ""


def test_the_canvas_and_the_list_ask_the_same_number_of_queries_however_many_comments_there_are(
    ann: Any, workflow: Workflow
):
    client, now = visitor(ann), database_now()
    cache.set("trouble", None, 600)
    pages = [
        f"{BASE}/{workflow.pk}/editor/?step=wait",
        f"{BASE}/{workflow.pk}/outline/",
        f"{BASE}/{workflow.pk}/comments/",
    ]

    def queries() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(connection) as asked:
                assert client.get(page).status_code == 200
            counts.append(len(asked))
        return counts

    threads.begin(workflow, "wait", "Hello @ann", user=ann, now=now)
    queries()  # Permissions and object types are read once.
    few = queries()
    writer = person("bob", "view_workflow")
    for number in range(6):
        thread = threads.begin(workflow, ("wait", "over", "")[number % 3], f"@bob {number}", user=ann, now=now).thread
        threads.reply(thread, "@ann", user=writer, now=now)
    assert queries() == few


def test_no_more_than_the_newest_hundred_threads_are_shown(ann: Any, workflow: Workflow):
    now = database_now()
    found = Thread.objects.bulk_create(Thread(workflow=workflow, created_at=now) for _number in range(101))
    Comment.objects.bulk_create(Comment(thread=one, author=ann, text=f"No. {one.pk}", created_at=now) for one in found)
    page = page_of(visitor(ann), workflow)
    assert page.count('class="talk-thread"') == 100 and f">No. {found[0].pk}<" not in page
    assert "The newest 100 threads are shown." in page
