"""Two people talk about a step with the keyboard alone, and see each other in the editor."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

from crm.models import User
from tests.browser.editor_page import Editor
from tests.browser.test_editor import DOCUMENT
from tests.browser.world import make_stages
from workflows import drafting
from workflows.models import Comment, Notification

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.detail(24)
@pytest.mark.covers("EDT-03", "EDT-13")
def test_a_comment_with_a_mention_is_written_found_answered_and_resolved_with_the_keyboard(open_screen: Any) -> None:
    make_stages()
    ann = User.objects.create_superuser("ann", password="ann", first_name="Ann", last_name="Berg")
    bob = User.objects.create_user("bob.l", is_staff=True, first_name="Bob", last_name="Lind")
    bob.user_permissions.set(Permission.objects.filter(codename="view_workflow"))
    workflow = drafting.create("Follow up", "deal", ann, DOCUMENT)

    editor = Editor(open_screen(ann)).open(workflow)
    page, keys, drawer = editor.page, editor.page.keyboard, editor.page.locator("#talk")
    editor.card("first").focus()
    keys.press("t")
    box = drawer.get_by_label("New comment on “Step 1: Delay for a set amount of time”")
    expect(box).to_be_focused()
    keys.type("Why a day, @bo")
    expect(drawer.get_by_role("listbox", name="People").get_by_role("option")).to_have_text(["Bob Lind @bob.l"])
    expect(box).to_have_attribute("aria-activedescendant", "mention-0")
    assert editor.screen.axe() == []
    keys.press("Enter")
    expect(box).to_have_value("Why a day, @bob.l ")
    keys.press("Control+Enter")
    expect(drawer.get_by_text("The comment is saved.")).to_be_visible()
    expect(drawer.locator(".mention")).to_have_text("@Bob Lind")
    expect(box).to_have_value("")
    badge = page.locator("#s-first .flow-talks")
    expect(badge).to_have_attribute("aria-label", re.compile("^Open threads: 1, 1. Delay"))
    editor.screen.screenshot("comments-light")

    [notice] = Notification.objects.filter(user=bob)
    other = open_screen(bob, theme="dark")
    other.open(notice.url)
    theirs = other.page.locator("#talk")
    expect(theirs.locator(f"#comment-{Comment.objects.get().pk}")).to_be_focused()
    assert other.axe() == []
    reply = theirs.get_by_label("Reply in the thread begun by Ann Berg")
    reply.focus()
    other.page.keyboard.type("It gives them time")
    other.page.keyboard.press("Control+Enter")
    expect(theirs.locator(".talk-text").last).to_have_text("It gives them time")
    other.screenshot("comments-dark")

    # Ann's editor asks every few seconds who is there and what was said.
    people = page.locator("#flow-people summary")
    expect(people).to_contain_text("Also here: Bob Lind")
    expect(drawer.locator(".talk-text").last).to_have_text("It gives them time")
    assert editor.screen.axe() == []
    editor.screen.screenshot("comments-people")
    drawer.get_by_role("button", name="Resolve").focus()
    keys.press("Enter")
    expect(badge).to_have_count(0)
    expect(page.locator("#talk-title")).to_be_focused()
    keys.press("Escape")
    expect(drawer).to_be_hidden()
    expect(editor.card("first")).to_be_focused()
    editor.menu("note", "Duplicate")
    changed = other.page.locator("#flow-changed")
    expect(changed).to_contain_text("Ann Berg copied the step “Create note” at")
    assert other.axe() == []
    other.screenshot("comments-changed")
    assert editor.screen.problems() == [] and other.problems() == []
