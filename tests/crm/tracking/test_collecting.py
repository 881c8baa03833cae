"""What websites send without a login: collected when it may be, refused when not, and never by harm of anybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from crm.models import CallToAction, CallToActionTally, Contact, Hit, Visitor
from crm.tracking import links
from crm.tracking.pages import clean_address, click_ids_of, page_facts
from crm.tracking.recording import record_hits
from crm.tracking.visitors import identify
from records.clock import database_now
from records.merging.performing import merge
from records.models import Event
from records.object_types import object_types

pytestmark = pytest.mark.django_db
KEY = "0123456789abcdef0123456789abcdef"
SITE = "https://www.example.com"


@pytest.fixture(autouse=True)
def _site(settings):
    settings.TRACKING_DOMAINS = [".example.com"]


@pytest.fixture
def offer(db):
    return CallToAction.objects.create(
        slug="offer", name="Spring offer", text="Buy", target="https://shop.example.org/"
    )


def message(*hits: dict[str, Any], url: str = f"{SITE}/pricing", **more: Any) -> dict[str, Any]:
    page = {"url": url, "title": "Pricing", "referrer": ""}
    return {"visitor": KEY, "consent": "accepted", "page": page, "hits": list(hits or [{"kind": "view"}])} | more


def send(client: Any, sent: Any, origin: str = SITE, **headers: str) -> Any:
    body = sent if isinstance(sent, bytes | str) else json.dumps(sent)
    headers = {"Origin": origin, **headers}
    return client.post(reverse("tracking:collect"), body, content_type="text/plain", headers=headers)


def told(event: str) -> list[dict[str, Any]]:
    record_hits(database_now())
    return list(Event.objects.filter(event=event).order_by("id").values_list("properties", flat=True))


@pytest.fixture
def ann(db):
    contact = Contact.objects.create(email="ann@example.com")
    identify(KEY, contact.pk, database_now())
    return contact


@pytest.mark.covers("EVT-06", "FLT-31")
def test_a_page_view_is_told_with_its_address_title_and_campaign(client, ann):
    answer = send(client, message(url=f"{SITE}/pricing?utm_source=news&hr_who=secret&a=1#top"))
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == SITE
    (facts,) = told("page_viewed")
    assert facts["url"] == f"{SITE}/pricing?utm_source=news&a=1"
    assert (facts["path"], facts["title"], facts["source"]) == ("/pricing", "Pricing", "news")


def test_nothing_is_kept_without_consent_where_it_is_required(client, settings, ann):
    for consent in ("", "declined", None):
        assert send(client, message(consent=consent)).status_code == 204
    assert not Hit.objects.exists()
    settings.TRACKING_CONSENT_REQUIRED = False
    send(client, message(consent=""))
    assert Hit.objects.count() == 1


def test_nothing_is_kept_of_who_does_not_want_to_be_tracked(client):
    for header in ("DNT", "Sec-GPC"):
        assert send(client, message(), **{header: "1"}).status_code == 204
    assert not Hit.objects.exists()


def test_only_websites_of_ours_may_tell_and_only_of_their_own_pages(client):
    assert send(client, message(), origin="https://evil.test").status_code == 403
    assert send(client, message(), origin="null").status_code == 403
    assert send(client, message(), origin="http://[").status_code == 403
    assert send(client, message(url="https://evil.test/")).status_code == 400
    asked = client.options(reverse("tracking:collect"), headers={"Origin": SITE})
    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (204, SITE)
    assert not Hit.objects.exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b"[" * 20_000, b'{"page": 1}', b'{"page": {}, "hits": 1}',
     b'{"page": {}, "hits": []}',
     b'{"page": {"url": "https://www.example.com/"}, "hits": [1]}',
     json.dumps(message(url="https://[::1]@]www.example.com/")).encode(),
     json.dumps(message(*[{"kind": "view"}] * 21)).encode(), json.dumps(message(padding="x" * 20_000)).encode()],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_sentence(client, body):
    answer = send(client, body)
    assert answer.status_code == 400
    assert answer.content.decode().endswith(".")


def test_odd_values_in_a_message_are_left_out(client, ann):
    odd = [
        {"kind": ["view"]}, {"kind": "cta_viewed", "cta": {}}, {"kind": "cta_viewed", "cta": "x" * 99},
        {"kind": "media", "media": "\x00"}, {"kind": "consent", "consent": "maybe"}, {},
    ]  # fmt: skip
    assert send(client, message(*odd, visitor={"a": 1}, who=7)).status_code == 204
    assert send(client, message(*odd)).status_code == 204
    assert send(client, message(*odd, who="a:b:\ud800")).status_code == 204, "half of a character"
    page = {"url": f"{SITE}/a\ud800", "title": "T\x00 \x07" + "x" * 9_000, "referrer": "javascript:alert(1)"}
    assert send(client, message(page=page)).status_code == 204
    assert told("page_viewed") == [{"url": f"{SITE}/a", "path": "/a", "title": "T " + "x" * 298}]


@pytest.mark.covers("TRG-14")
@pytest.mark.parametrize("path", ["/price-list.pdf", "/Setup.EXE?x=1", "/a.tar.gz", "/photo.jpg#top", "/a.docx"])
def test_opening_a_file_is_no_page_view(client, ann, path):
    send(client, message(url=SITE + path))
    client.get(reverse("tracking:pixel"), {"url": SITE + path}, headers={"Cookie": "headrace_consent=accepted"})
    assert told("page_viewed") == []
    assert page_facts(f"{SITE}/docs/2.1")["path"] == "/docs/2.1"


@pytest.mark.covers("EVT-17")
def test_media_that_is_played_is_told(client, ann):
    send(client, message({"kind": "media", "media": "Product tour"}))
    assert told("media_played") == [{"media": "Product tour", "page": f"{SITE}/pricing"}]


@pytest.mark.covers("EVT-15", "EVT-16")
def test_calls_to_action_are_counted_for_everybody_and_told_of_who_is_known(client, ann, offer):
    send(client, message({"kind": "cta_viewed", "cta": "offer"}, {"kind": "cta_viewed", "cta": "unknown"}))
    send(client, message({"kind": "cta_viewed", "cta": "offer"}, visitor="f" * 32))
    answer = client.get(links.cta_link("offer"), {"headrace_visitor": KEY}, headers={"Referer": f"{SITE}/pricing"})
    assert (answer.status_code, answer["Location"]) == (302, offer.target)
    client.get(links.cta_link("offer"))
    client.head(links.cta_link("offer"))
    (seen,), (clicked,) = told("cta_viewed"), told("cta_clicked")
    assert seen == {"call_to_action": "offer", "cta": "Spring offer", "page": f"{SITE}/pricing"} == clicked
    tally = CallToActionTally.objects.get()
    assert (tally.views, tally.clicks) == (2, 2)
    identify("f" * 32, ann.pk, database_now())
    record_hits(database_now())
    tally.refresh_from_db()
    assert tally.views == 2


@pytest.mark.covers("FLT-22")
def test_an_answer_to_the_banner_is_stored_for_a_contact_who_comes_from_a_mail_and_declines(client):
    contact = Contact.objects.create(email="ben@example.com")
    token = links.with_who(f"{SITE}/", contact.pk).partition("hr_who=")[2]
    hits = ({"kind": "consent", "consent": "declined"}, {"kind": "view"})
    send(client, message(*hits, visitor="", consent="declined", who=token))
    assert [facts["consent"] for facts in told("cookie_consent_given")] == ["declined"]
    assert told("page_viewed") == []
    contact.refresh_from_db()
    assert contact.cookie_consent == "declined"
    assert not Visitor.objects.exists()


@pytest.mark.covers("EVT-10", "EVT-09")
def test_a_link_in_a_mail_is_counted_leads_on_and_says_who_follows_it(client):
    contact = Contact.objects.create(email="ben@example.com")
    client.get(links.open_pixel(contact.pk, "May", subject="News"))
    answer = client.get(links.mail_link(contact.pk, f"{SITE}/pricing?a=1", "May", subject="News"))
    target, _sep, token = answer["Location"].partition("&hr_who=")
    assert target == f"{SITE}/pricing?a=1"
    assert told("email_opened") == [{"email": "May", "subject": "News"}]
    assert told("email_clicked") == [{"email": "May", "subject": "News", "link": f"{SITE}/pricing?a=1"}]
    send(client, message(who=token))
    assert Visitor.objects.get(key=KEY).contact == contact
    assert [facts["path"] for facts in told("page_viewed")] == ["/pricing"]
    elsewhere = client.get(links.mail_link(contact.pk, "https://other.test/", "May"))
    assert elsewhere["Location"] == "https://other.test/"


def test_a_link_that_was_changed_leads_nowhere(client, offer):
    contact = Contact.objects.create(email="ben@example.com")
    path = links.mail_link(contact.pk, "https://other.test/", "May")
    for broken in (path[:-4] + "xx/", "/t/abc/", path.replace("/t/", "/t/A"), links.cta_link("gone")):
        assert client.get(broken).status_code == 404
    assert client.get("/t/abc.gif")["Content-Type"] == "image/gif"
    with pytest.raises(ValueError, match="no http"):
        links.mail_link(contact.pk, "javascript:alert(1)", "May")
    assert not Hit.objects.exists()


def test_the_pixel_needs_consent_and_gives_the_browser_a_key(client, settings):
    pixel, page = reverse("tracking:pixel"), {"url": f"{SITE}/old"}
    assert client.get(pixel, page).content.startswith(b"GIF89a")
    assert not Hit.objects.exists()
    settings.TRACKING_CONSENT_REQUIRED = False
    first = client.get(pixel, page)
    client.get(pixel, headers={"Referer": f"{SITE}/old"})
    client.get(pixel, {"url": "https://evil.test/"})
    keys = set(Hit.objects.values_list("visitor", flat=True))
    assert keys == {first.cookies["headrace_visitor"].value} and Hit.objects.count() == 2


def test_an_address_that_sends_too_much_is_told_to_wait_and_nothing_of_it_is_kept(client, settings):
    settings.TRACKING_REQUEST_LIMIT = 0
    assert send(client, message()).status_code == 429
    assert client.get(reverse("tracking:pixel"), {"url": f"{SITE}/"}).status_code == 200
    assert not Hit.objects.exists()


def test_collecting_is_one_statement(client, ann, django_assert_num_queries):
    with django_assert_num_queries(2):  # the clock, and the hits
        send(client, message({"kind": "view"}, {"kind": "media", "media": "Tour"}))


def test_a_batch_costs_as_many_statements_however_many_hits(ann, django_assert_max_num_queries):
    Hit.objects.bulk_create(
        Hit(visitor=KEY if n % 2 else f"{n:032x}", kind="page_viewed", facts={"url": f"{SITE}/{n}"},
            occurred_at=database_now(), received_at=database_now())
        for n in range(400)
    )  # fmt: skip
    with django_assert_max_num_queries(20):
        record_hits(database_now())
    assert Event.objects.count() == 200 and Hit.objects.filter(state=Hit.State.KEPT).count() == 200


def test_addresses_are_kept_without_passwords_and_fragments():
    assert clean_address("https://user:secret@example.com/a?b#c") == "https://example.com/a?b"
    for bad in (
        "ftp://example.com/",
        "javascript:alert(1)",
        "https://",
        "//example.com",
        "https://a b/",
        "http://[",
        "http://[::1]@]example.com/",
        None,
    ):
        assert clean_address(bad) == ""
    assert click_ids_of("https://example.com/?gclid=1&gclid=2&fbclid=") == {"google_click_id": "2"}


def test_a_mail_to_a_contact_that_was_merged_is_opened_by_what_it_went_into(client):
    ann, old = Contact.objects.create(email="ann@example.com"), Contact.objects.create(email="old@example.com")
    pixel = links.open_pixel(old.pk, "May")
    merge(object_types["contact"], ann.pk, old.pk, now=database_now())
    client.get(pixel)
    record_hits(database_now())
    assert list(Event.objects.filter(event="email_opened").values_list("record_id", flat=True)) == [ann.pk]
