"""The public page of a form: who may embed and send it, where it stands, who looks at it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client

from crm.models import Contact, Form, FormDay, FormSubmission, Visitor
from records.clock import database_now
from records.models import Event
from tests.crm.forms.conftest import make_form

pytestmark = pytest.mark.django_db
KEY = "0123456789abcdef0123456789abcdef"


def policy(response):
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _space, value in parts}


def test_the_page_needs_no_login_and_lets_in_nothing_inline(form, client):
    page = client.get(f"/forms/{form.token}/")
    rules = policy(page)
    assert (page.status_code, rules["script-src"], rules["style-src"]) == (200, "'self'", "'self'")
    assert rules["frame-ancestors"] == "'self'"
    assert "X-Frame-Options" not in page
    assert "style=" not in page.content.decode()
    assert "<script" not in page.content.decode(), "nothing is told of somebody nobody knows"
    assert FormDay.objects.get().views == 1
    assert client.get("/forms/nothing/").status_code == 404


def test_only_the_named_websites_may_embed_it(form, client):
    Form.objects.update(embed_origins="https://www.example.com\nhttps://example.org")
    rules = policy(client.get(f"/forms/{form.token}/?embed=1"))
    assert rules["frame-ancestors"] == "'self' https://www.example.com https://example.org"
    Form.objects.update(embed_origins="*")
    assert policy(client.get(f"/forms/{form.token}/"))["frame-ancestors"] == "*"


def test_who_has_sent_it_goes_on_to_the_forms_address(form, send):
    Form.objects.update(redirect_url="https://www.example.com/thanks?from=form")
    answer = send(form)
    assert (answer.status_code, answer.url) == (303, "https://www.example.com/thanks?from=form")
    framed = send(form, path="?embed=1")
    assert framed.url.startswith(f"/forms/{form.token}/sent/?key=")
    shown = Client().get(framed.url)
    assert 'href="https://www.example.com/thanks?from=form" target="_top"' in shown.content.decode()
    assert "https://www.example.com" in policy(shown)["form-action"]


def test_the_thank_you_page_is_for_who_has_sent_the_form(form, send, client):
    Form.objects.update(thanks="We call you.")
    assert "We call you." in client.get(send(form).url).content.decode()
    assert client.get(f"/forms/{form.token}/sent/?key=1.1:x").status_code == 302


@pytest.mark.parametrize(
    ("path", "sent", "headers", "page"),
    [
        ("", {}, {}, "http://testserver/forms/{token}/"),
        ("", {}, {"referer": "https://www.example.com/a"}, "https://www.example.com/a"),
        ("", {}, {"referer": "http://testserver/forms/{token}/"}, "http://testserver/forms/{token}/"),
        ("", {"page-address": "https://example.org/b?hr_who=x"}, {"referer": "https://c.example/"}, "https://example.org/b"),
        ("", {"page-address": "javascript:alert(1)"}, {}, "http://testserver/forms/{token}/"),
    ],
)  # fmt: skip
def test_the_submission_says_on_which_page_the_form_stood(form, client, path, sent, headers, page):
    data = {"email": "ann@example.com", "first_name": "Ann"} | sent
    headers = {name: value.format(token=form.token) for name, value in headers.items()}
    client.post(f"/forms/{form.token}/{path}", data, headers=headers)
    assert FormSubmission.objects.get().page == page.format(token=form.token)


def test_a_form_in_a_frame_stands_on_the_page_around_it(form, client):
    framed = client.get(f"/forms/{form.token}/?embed=1", headers={"referer": "https://www.example.com/pricing"})
    assert 'name="page-address" value="https://www.example.com/pricing"' in framed.content.decode()


def test_an_address_that_sends_too_often_is_told_to_wait(form, send, settings):
    settings.FORM_SUBMISSIONS_PER_10_S = 2
    other = make_form("Other")
    assert [send(form).status_code for _ in range(3)] == [303, 303, 429]
    assert send(other).status_code == 303
    assert FormSubmission.objects.count() == 3


def test_forms_are_taken_while_redis_is_away(form, send, settings, monkeypatch):
    from records.api import throttling

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    counter = throttling.Counter()
    monkeypatch.setattr("crm.tracking.limits.counter", counter)
    assert send(form).status_code == 303
    assert counter.paused_until > 0


def test_who_is_faster_than_a_person_is_asked_once_more(form, send, client):
    Form.objects.update(minimum_seconds=3)
    form.refresh_from_db()
    drawn = client.get(f"/forms/{form.token}/").context["stamp"]
    assert send(form, drawn=drawn).status_code == 429
    again = send(form, drawn="made up")
    assert "That was very quick" in again.content.decode()
    assert 'value="ann@example.com"' in again.content.decode()
    from crm.forms import keys

    earlier = keys.DRAWN.sign(f"{form.pk}.{int(database_now().timestamp()) - 5}")
    assert send(form, drawn=earlier).status_code == 303


def test_what_is_too_long_is_not_read(form, send):
    assert send(form, first_name="x" * 70_000).status_code == 413
    assert not Contact.objects.exists()


def test_a_closed_form_says_so_and_takes_nothing(form, send, client):
    Form.objects.update(active=False, closed_text="The webinar is over.")
    assert "The webinar is over." in client.get(f"/forms/{form.token}/").content.decode()
    assert send(form).status_code == 403
    assert not Contact.objects.exists()


def test_a_websites_own_page_sends_json_and_other_origins_are_not_let_in(form, client):
    Form.objects.update(embed_origins="https://www.example.com", thanks="Bye.")

    def sent(origin, **document):
        return client.post(
            f"/forms/{form.token}/", document, content_type="application/json", headers={"origin": origin}
        )

    answer = sent("https://www.example.com", email="ann@example.com", first_name="Ann")
    assert answer.status_code == 201
    assert answer["Access-Control-Allow-Origin"] == "https://www.example.com"
    assert answer.json()["thanks"] == "Bye."
    wrong = sent("https://evil.example", email="x", job_tittle="Buyer")
    assert "Access-Control-Allow-Origin" not in wrong
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "job_tittle")
    missing = sent("https://www.example.com", email="x")
    assert [error["path"] for error in missing.json()["errors"]] == ["email", "first_name"]
    assert sent("https://www.example.com", email={"a": 1}).status_code == 400
    trapped = sent("https://www.example.com", email="b@example.com", **{"your-homepage": "x"})
    assert trapped.status_code == 400
    asked = client.options(f"/forms/{form.token}/", headers={"origin": "https://www.example.com"})
    assert (asked.status_code, asked["Access-Control-Allow-Methods"]) == (204, "POST, OPTIONS")
    assert FormSubmission.objects.count() == 1


def test_a_submission_makes_the_browser_the_contacts(form, client, settings):
    settings.TRACKING_CONSENT_REQUIRED = True
    answers = {"email": "ann@example.com", "first_name": "Ann"}
    client.cookies["headrace_visitor"] = KEY
    client.post(f"/forms/{form.token}/", answers)
    assert not Visitor.objects.exists(), "nobody has agreed to cookies"
    client.cookies["headrace_consent"] = "accepted"
    client.post(f"/forms/{form.token}/", answers)
    assert Visitor.objects.get().contact == Contact.objects.get()


@pytest.mark.covers("EVT-04", "EVT-05")
def test_known_contacts_see_and_touch_forms_as_events(form, client, settings):
    settings.TRACKING_CONSENT_REQUIRED = True
    client.cookies["headrace_visitor"], client.cookies["headrace_consent"] = KEY, "accepted"
    address = f"/forms/{form.token}/"
    client.post(address, {"email": "ann@example.com", "first_name": "Ann"})
    page = client.get(address).content.decode()
    assert f'data-touched="{address}touched/"' in page
    client.post(f"{address}touched/", {"field": "job_title", "page-address": "https://www.example.com/a"})
    client.post(f"{address}touched/", {"field": "made_up"})
    told = Event.objects.order_by("id").values_list("event", "properties__form", "properties__field")
    assert list(told) == [
        ("form_submitted", "demo-request", None),
        ("form_viewed", "demo-request", None),
        ("form_interacted", "demo-request", "job_title"),
    ]
    client.cookies["headrace_consent"] = "declined"
    client.get(address)
    assert Event.objects.count() == 3


def test_a_preview_counts_nothing_and_sends_nothing(form, client, admin_client):
    page = admin_client.get(f"/forms/{form.token}/?preview=1").content.decode()
    assert "<fieldset disabled>" in page
    assert not FormDay.objects.exists()
    Form.objects.update(active=False)
    assert "closed" in client.get(f"/forms/{form.token}/?preview=1").content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_who_send_the_same_address_at_once_make_one_contact():
    form = make_form()
    form.fields.create(property="company.name", position=9)
    codes: list[int] = []
    together = threading.Barrier(4)

    def send(number: int) -> None:
        together.wait()
        email = "ann@example.com" if number % 2 else "ANN@example.com"
        data = {"email": email, "first_name": f"Ann {number}", "company.name": "Acme"}
        codes.append(Client().post(f"/forms/{form.token}/", data).status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert codes == [303] * 4
    assert (Contact.objects.count(), FormSubmission.objects.count()) == (1, 4)
    assert FormDay.objects.get().submissions == 4
    assert Contact.objects.get().first_name in {f"Ann {number}" for number in range(4)}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"email": "ann@example.com", "first_name": "\\ud800"}', 400),
        (b'{"email": "ann@example.com", "first_name": "\\u0000"}', 400),
        (b'{"email": "ann@example.com", "first_name": "Ann", "first_name": "Eve"}', 400),
        (b'{"email": "ann@example.com", "first_name": NaN}', 400),
        (b"[" * 20_000, 400),
        (b'{"email": "ann@example.com", "first_name": ["Ann", "Eve"]}', 422),
    ],
)
def test_json_no_contact_can_be_made_of_is_refused_with_a_sentence(form, client, body, status):
    answer = client.post(f"/forms/{form.token}/", body, content_type="application/json")
    told = answer.json()
    assert (answer.status_code, Contact.objects.count()) == (status, 0)
    assert " ".join([told["detail"], *(one["message"] for one in told["errors"])]).endswith(".")


def test_looking_at_a_form_sends_nothing_whatever_is_in_the_request(form, client):
    body = b'{"email": "ann@example.com", "first_name": "Ann"}'
    answer = client.generic("GET", f"/forms/{form.token}/", body, content_type="application/json")
    assert (answer.status_code, Contact.objects.count()) == (200, 0)


@pytest.mark.parametrize("path", ["", "sent/", "document/"])
def test_an_address_no_form_can_have_is_not_found(db, client, path):
    assert client.get(f"/forms/%00/{path}").status_code == 404


@pytest.mark.parametrize("referrer", ["http://[::1]@]example.com/", "http://["])
def test_a_referrer_that_is_no_address_is_passed_over(form, client, referrer):
    assert client.get(f"/forms/{form.token}/?embed=1", headers={"Referer": referrer}).status_code == 200
