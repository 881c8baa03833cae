"""A website somewhere else with the tracking script, seen by a browser; and the pages contacts see without a login."""

from __future__ import annotations

import io
import threading
import wave
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import expect

from crm.models import CallToAction, CallToActionTally, Contact, Hit, SubscriptionType, User, Visitor
from crm.tracking import links
from crm.tracking.recording import record_hits
from crm.tracking.unsubscribing import preferences_link
from records import criteria
from records.clock import database_now
from records.happening import happen
from records.models import Event
from records.object_types import object_types
from tests.workflows.intake.test_event_triggers import inside, on, run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("tests.browser.criteria_page"),
    pytest.mark.django_db(transaction=True),
]
PAGE = """<!doctype html><html lang="en"><head><title>Pricing</title>
<script src="{base}/static/crm/headrace.js" defer
  data-collect="{base}/tracking/collect/" data-consent="{rule}"></script>
</head><body><h1>Pricing</h1>
<button onclick="headrace.consent('accepted')">Accept cookies</button>
<button onclick="headrace.consent('revoked')">Take it back</button>
<a href="{base}{link}" data-headrace-cta="offer">Ask for a demo</a>
<audio controls aria-label="Product tour" src="/tour.wav"></audio>
</body></html>"""


def silence() -> bytes:
    """A tenth of a second of it, as a sound file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 800)
    return file.getvalue()


class Website(ThreadingHTTPServer):
    """A website of our customers on an address of its own."""

    html = ""

    @property
    def address(self) -> str:
        return f"http://localhost:{self.server_port}"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Website)
        sound = self.path == "/tour.wav"
        body = silence() if sound else self.server.html.encode()
        self.send_response(200 if sound or self.path.startswith(("/pricing", "/thanks")) else 404)
        self.send_header("Content-Type", "audio/wav" if sound else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests say what was asked for."""


@pytest.fixture
def website(live_server: Any, settings: Any, db: None) -> Iterator[Website]:
    settings.TRACKING_DOMAINS = ["localhost"]
    server = Website(("localhost", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    CallToAction.objects.create(slug="offer", name="Demo", text="Demo", target=f"{server.address}/thanks")
    server.html = PAGE.format(base=live_server.url, rule="required", link=links.cta_link("offer"))
    yield server
    server.shutdown()
    server.server_close()


def kinds() -> list[str]:
    return sorted(Hit.objects.values_list("kind", flat=True))


def answered(page: Any, times: int, action: Callable[[], Any]) -> None:
    """Do something after which the script has told the collector so many times, and wait for the answers."""
    seen: list[int] = []
    page.on("response", lambda answer: seen.append(answer.status) if "/tracking/collect/" in answer.url else None)
    action()
    while len(seen) < times:
        page.wait_for_event("response", lambda answer: "/tracking/collect/" in answer.url)
    assert set(seen) == {204}


@pytest.mark.covers("EVT-06", "EVT-15", "EVT-16", "EVT-17", "FLT-22", "FLT-35")
def test_a_visitor_from_a_mail_accepts_cookies_and_clicks_and_filters_and_triggers_see_it(
    open_screen: Callable[..., Any], website: Website
) -> None:
    contact = Contact.objects.create(email="ann@example.com")
    viewed, clicked = on({"event": "page_viewed"}), on({"event": "cta_clicked"})
    page = open_screen().page
    page.goto(links.with_who(f"{website.address}/pricing?utm_source=news", contact.pk))
    expect(page).to_have_url(f"{website.address}/pricing?utm_source=news")
    assert page.evaluate("headrace.visitor()") == ""
    assert kinds() == [] and "headrace" not in page.evaluate("document.cookie")
    answered(page, 2, page.get_by_role("button", name="Accept cookies").click)
    assert kinds() == ["cookie_consent_given", "cta_viewed", "page_viewed"]
    answered(page, 1, lambda: page.evaluate("document.querySelector('audio').play()"))
    answered(page, 1, page.get_by_role("link", name="Ask for a demo").click)
    expect(page).to_have_url(f"{website.address}/thanks")
    record_hits(database_now())
    run()
    told = set(Event.objects.filter(record_id=contact.pk).values_list("event", flat=True))
    assert told >= {"page_viewed", "cta_viewed", "cta_clicked", "media_played", "cookie_consent_given"}
    assert inside(viewed) == {contact.pk} == inside(clicked)
    contact.refresh_from_db()
    assert (contact.cookie_consent, contact.first_source) == ("accepted", "news")
    where = [{"property": "call_to_action", "operator": "is_any_of", "value": ["offer"]}]
    document = {"all": [{"event": "cta_clicked", "operator": "has_occurred", "where": where}]}
    assert criteria.compile(document, object_types["contact"], now=database_now()).records().get() == contact
    tally = CallToActionTally.objects.get()
    assert tally.views >= 1 and tally.clicks == 1
    page.get_by_role("button", name="Take it back").click()
    # What the page told when it opened may be answered only now, too.
    for _ in range(200):
        record_hits(database_now())
        contact.refresh_from_db()
        if contact.cookie_consent != "accepted":
            break
        page.wait_for_timeout(100)
    assert contact.cookie_consent == "revoked"
    assert "headrace_visitor" not in page.evaluate("document.cookie")


def test_nothing_is_told_of_a_browser_that_asks_not_to_be_tracked(
    open_screen: Callable[..., Any], website: Website
) -> None:
    website.html = website.html.replace('data-consent="required"', 'data-consent="optional"')
    page = open_screen().page
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    page.goto(f"{website.address}/pricing")
    page.get_by_role("button", name="Accept cookies").click()
    assert page.evaluate("headrace.visitor()") == ""
    page.wait_for_load_state("networkidle")
    assert kinds() == [] and not Visitor.objects.exists()


@pytest.mark.covers("FLT-26")
def test_a_marketing_email_is_chosen_by_name_and_refined(open_screen: Callable[..., Any]) -> None:
    reader, other = Contact.objects.bulk_create([Contact(email="a@x.org"), Contact(email="b@x.org")])
    for event in ("email_sent", "email_opened"):
        happen(event, "contact", [reader.pk], properties={"email": "May news"}, now=database_now())
    happen("email_sent", "contact", [other.pk], properties={"email": "June news"}, now=database_now())
    screen = open_screen(User.objects.create_superuser("boss"), height=1000)
    page = screen.open("/builder/")
    builder = page.locator("[data-criteria]").nth(1)
    expect(builder).to_have_attribute("data-state", "ready")
    builder.get_by_role("button", name="+ Add filter").first.click()
    page.keyboard.type("may news")
    page.keyboard.press("Enter")
    expect(builder.locator(".criteria-sentence")).to_have_text("was sent the email “May news”")
    expect(builder.locator(".criteria-summary")).to_have_text("1 contact matches now")
    builder.get_by_label("Operator").select_option("sent_not_clicked")
    builder.get_by_label("Marketing email").select_option("*")
    expect(builder.locator(".criteria-summary")).to_have_text("2 contacts match now")
    builder.get_by_label("How often or how recently").select_option("count")
    builder.get_by_label("At least (times)").fill("2")
    expect(builder.locator(".criteria-summary")).to_have_text("0 contacts match now")
    assert screen.axe() == [] and screen.problems() == []
    screen.screenshot("tracking-email-filter")


def test_a_contacts_page_tells_what_it_has_done_and_where_it_came_from(
    open_screen: Callable[..., Any], db: None
) -> None:
    contact = Contact.objects.create(email="ann@example.com", first_name="Ann", google_click_id="Cj0KCQ")
    facts = {"url": "https://example.com/pricing", "title": "Pricing", "source": "google", "medium": "cpc"}
    happen("page_viewed", "contact", [contact.pk], properties=facts, now=database_now())
    clicked = {"email": "May news", "link": "https://example.com/a"}
    happen("email_clicked", "contact", [contact.pk], properties=clicked, now=database_now())
    screen = open_screen(User.objects.create_superuser("boss"), theme="both", height=1000)
    page = screen.open(f"/admin/crm/contact/{contact.pk}/change/")
    expect(page.locator(".timeline")).to_contain_text("Viewed the page “Pricing”")
    expect(page.locator(".timeline")).to_contain_text("Clicked a link in the email “May news”")
    page.get_by_text("Ads", exact=True).click()
    expect(page.get_by_label("Google Ads click id")).to_have_value("Cj0KCQ")
    screen.screenshot("tracking-contact")
    assert screen.axe() == [] and screen.problems() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_of_preferences_works_for_everybody(theme: str, open_screen: Callable[..., Any], db: None) -> None:
    SubscriptionType.objects.all().delete()
    SubscriptionType.objects.create(slug="news", name="Newsletter", description="What is new, once a month.")
    SubscriptionType.objects.create(slug="offers", name="Offers")
    contact = Contact.objects.create(email="ann@example.com")
    screen = open_screen(theme=theme)
    page = screen.open(preferences_link(contact.pk, "news"))
    page.get_by_label("Newsletter").check()
    page.get_by_role("button", name="Save my choice").click()
    expect(page.get_by_role("status")).to_have_text("Your choice is saved.")
    expect(page.get_by_label("Newsletter")).to_be_checked()
    screen.screenshot(f"tracking-preferences-{theme}")
    assert screen.axe() == []
    page.get_by_role("button", name="Unsubscribe from everything").click()
    expect(page.get_by_label("Newsletter")).not_to_be_checked()
    assert screen.problems() == []


def test_the_pages_about_calls_to_action_are_accessible(
    open_screen: Callable[..., Any], settings: Any, db: None
) -> None:
    screen = open_screen(User.objects.create_superuser("boss"), theme="both", height=900)
    for name, path in (("list-empty", ""), ("add", "add/"), ("code-empty", "tracking-code/")):
        screen.open(f"/admin/crm/calltoaction/{path}")
        screen.screenshot(f"tracking-cta-{name}")
        assert screen.axe() == [], name
    settings.TRACKING_DOMAINS = [".example.com"]
    call = CallToAction.objects.create(slug="demo", name="Demo", text="Ask for a demo", target="https://example.com/")
    CallToActionTally.objects.create(call_to_action=call, views=12_345, clicks=678)
    for name, path in (("list", ""), ("change", f"{call.pk}/change/"), ("code", "tracking-code/")):
        screen.open(f"/admin/crm/calltoaction/{path}")
        screen.screenshot(f"tracking-cta-{name}")
        assert screen.axe() == [], name
    assert screen.problems() == []
