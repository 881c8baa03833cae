"""Forms in a browser: built, filled in on a public page and in a frame, refused, and followed by workflows."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import FrameLocator, Page, expect

from crm.forms.embedding import iframe_code
from crm.models import Contact, Form, FormDay, FormSubmission, User
from records.clock import database_now
from tests.browser.world import published
from tests.crm.forms.conftest import make_form
from workflows.intake import dispatching
from workflows.models import Enrollment, Workflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WAIT = {"id": "wait", "action": "delay", "params": {"days": 2, "hours": 0, "minutes": 0}}


def workflow(name: str, trigger: dict[str, Any], user: User) -> Workflow:
    document = {"format": 1, "name": name, "object": "contact", "trigger": trigger, "steps": [WAIT]}
    return published(user, document)


def on_submission(*where: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "event", "events": [{"event": "form_submitted", "where": list(where)}], "reenroll": True}


def entered() -> dict[str, set[str]]:
    """Who is in which workflow, once everything that has happened was looked at."""
    while dispatching.dispatch(database_now()):
        pass
    emails = dict(Contact.objects.values_list("pk", "email"))
    found: dict[str, set[str]] = {}
    for one in Enrollment.objects.select_related("workflow"):
        found.setdefault(one.workflow.name, set()).add(emails[one.record_id])
    return found


def axe_at_the_end(screen: Any) -> list[str]:
    """What axe finds at the end of the page, where the bar with the buttons lies over nothing."""
    screen.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    found: list[str] = screen.axe()
    return found


def fill(page: Page | FrameLocator, email: str, name: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("First name").fill(name)


class Website(http.server.ThreadingHTTPServer):
    """Another website: every page of it has the same content."""

    content = ""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Prices</title><h1>Prices</h1>{self.server.content}".encode())

        def log_message(self, *_facts: Any) -> None:
            """Say nothing."""

    def embed(self, page: Page, form: Form, base: str) -> FrameLocator:
        """Open its page of prices, which has the form in a frame."""
        self.content = iframe_code(form, f"{base}/forms/{form.token}/")
        page.goto(f"{self.origin}/pricing")
        return page.frame_locator("iframe")

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def website() -> Iterator[Website]:
    server = Website(("127.0.0.1", 0), Website.Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.covers("EVT-03", "FLT-23", "FLT-24")
def test_a_form_sent_in_a_browser_makes_a_contact_and_enrolls_it(open_screen: Any, website: Website, db: None) -> None:
    ann = User.objects.create_superuser("ann", password="ann")
    demo, news = make_form("Demo request", embed_origins=website.origin), make_form("Newsletter", thanks="Welcome!")
    is_demo = {"property": "form", "operator": "is_any_of", "value": ["demo-request"]}
    on_pricing = {"property": "page", "operator": "contains_any_of", "value": ["/pricing"]}
    workflow("Any form", on_submission(), ann)
    workflow("Demo request", on_submission(is_demo), ann)
    workflow("Demo request on the page of prices", on_submission(is_demo, on_pricing), ann)
    news_filter = {"form": "newsletter", "operator": "has_filled_out"}
    workflow("Newsletter", {"kind": "filter", "criteria": {"any": [{"all": [news_filter]}]}}, ann)
    screen = open_screen()
    page = screen.open(f"/forms/{demo.token}/")

    # What is missing is said by the browser already, and by the server where it does not.
    page.get_by_label("Email").fill("Eva@Example.com")
    page.get_by_role("button", name="Send").click()
    assert not FormDay.objects.get(form=demo).submissions
    assert screen.problems() == []
    page.locator("form").evaluate("(form) => { form.noValidate = true; }")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("not sent yet")
    expect(page.get_by_text("Fill this in.")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("Eva@Example.com")
    assert screen.axe() == []
    assert not Contact.objects.exists()

    page.get_by_label("First name").fill("Eva")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    contact = Contact.objects.get()
    assert (contact.email, contact.first_name) == ("eva@example.com", "Eva")
    assert entered() == {"Any form": {"eva@example.com"}, "Demo request": {"eva@example.com"}}

    # Whoever fills in what people do not see is refused.
    page = screen.open(f"/forms/{demo.token}/")
    fill(page, "bot@example.com", "Bot")
    page.locator("#your-homepage").evaluate("(field) => { field.value = 'https://buy.example'; }")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Not sent")).to_be_visible()
    assert screen.axe() == []
    assert FormDay.objects.get(form=demo).rejections == 1
    assert not Contact.objects.filter(email="bot@example.com").exists()

    # The other form, by the same person: the contact is changed, and another workflow begins.
    page = screen.open(f"/forms/{news.token}/")
    fill(page, "EVA@example.com", "Evangeline")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Welcome!")).to_be_visible()
    assert Contact.objects.get().first_name == "Evangeline"
    assert entered()["Newsletter"] == {"eva@example.com"}

    # In a frame on the page of prices.
    frame = website.embed(page, demo, screen.base)
    fill(frame, "ben@example.com", "Ben")
    frame.get_by_role("button", name="Send").click()
    expect(frame.get_by_role("heading", name="Thank you")).to_be_visible()
    assert FormSubmission.objects.get(contact__email="ben@example.com").page == f"{website.origin}/pricing"
    now_in = entered()
    assert now_in["Demo request on the page of prices"] == {"ben@example.com"}
    assert now_in["Newsletter"] == {"eva@example.com"}


def test_a_website_that_is_not_named_cannot_embed_a_form(open_screen: Any, website: Website, db: None) -> None:
    form = make_form("Demo request", embed_origins="http://other.example")
    screen = open_screen()
    frame = website.embed(screen.page, form, screen.base)
    expect(screen.page.get_by_role("heading", name="Prices")).to_be_visible()
    expect(frame.get_by_role("button", name="Send")).to_have_count(0)
    assert any("frame-ancestors" in line for line in screen.complaints)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_form_is_built_with_the_keyboard_and_looks_right(open_screen: Any, db: None, theme: str) -> None:
    ann = User.objects.create_superuser("ann", password="ann")
    screen = open_screen(ann, theme=theme, height=1200, width=1500)
    page = screen.open(reverse("admin:crm_form_add"))
    page.get_by_label("Name:", exact=True).fill("Webinar")
    group = page.locator("#fields-group")
    last = group.locator(".inline-related:not(.empty-form)").nth(2)
    expect(last.locator("h3")).to_contain_text("Last name")
    last.get_by_role("button", name="Move up").press("Enter")
    group.get_by_text("Add another Field").click()
    added = group.locator(".inline-related:not(.empty-form)").nth(3)
    added.get_by_label("Property").select_option("contact.lead_status")
    added.get_by_label("Hidden").check()
    added.get_by_role("textbox", name="Value").fill("new")
    assert axe_at_the_end(screen) == []
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_label("Link to the form")).to_be_visible()
    form = Form.objects.get()
    asked = ["contact.email", "contact.last_name", "contact.first_name", "contact.lead_status"]
    assert list(form.fields.values_list("property", flat=True)) == asked
    preview = page.frame_locator("iframe")
    expect(preview.get_by_role("button", name="Send")).to_be_disabled()
    screen.screenshot(f"form-builder-{theme}")
    assert axe_at_the_end(screen) == []
    Form.objects.update(appearance=theme, title="Webinar", introduction="Sit down and listen.")
    page = screen.open(f"/forms/{form.token}/")
    assert screen.axe() == []
    screen.screenshot(f"form-public-{theme}")
    screen.open(reverse("admin:crm_form_changelist"))
    assert screen.axe() == []
    screen.open(reverse("admin:crm_formsubmission_changelist"))
    assert screen.axe() == []
    assert screen.problems() == []


def test_a_form_is_chosen_by_its_name_in_the_criteria_builder(open_screen: Any, db: None) -> None:
    ann = User.objects.create_superuser("ann", password="ann")
    make_form("Demo request")
    screen = open_screen(ann)
    page = screen.open(f"{reverse('admin:records_recordlist_add')}?object_type=contact&kind=active")
    builder = page.locator("[data-criteria]").first
    expect(builder).to_have_attribute("data-state", "ready")
    builder.get_by_role("button", name="+ Add filter").first.click()
    page.get_by_role("dialog").get_by_role("combobox").fill("demo request")
    page.keyboard.press("Enter")
    builder.get_by_label("Operator").select_option("has_filled_out")
    builder.get_by_label("How often or how recently").select_option("count")
    builder.get_by_role("button", name="+ Add filter on the event").click()
    where = builder.locator(".criteria-where")
    where.get_by_label("Property", exact=True).select_option("page")
    where.get_by_label("Operator").select_option("contains_any_of")
    where.get_by_label("Value").fill("/pricing")
    expect(builder).to_contain_text("has filled out the form “Demo request” with (Page contains")
    expect(builder).to_contain_text("at least 2 times")
    assert screen.axe() == []
    assert screen.problems() == []
