"""The public page of a survey: for whoever has the link, once, without a login."""

from __future__ import annotations

import datetime as dt
import re
import threading
from http.cookies import SimpleCookie

import pytest
from django.db import connection
from django.test import Client

from crm.models import Contact, FeedbackSubmission, Survey, SurveyInvitation, SurveyResponse, Ticket
from records.associations import ids_of
from records.clock import database_now
from records.models import Event
from tests.crm.surveys.conftest import name_of

pytestmark = pytest.mark.django_db


def page(asked, path=""):
    return f"/surveys/{asked.token}/{path}"


def test_the_page_needs_no_login_and_no_script(asked, client):
    answer = client.get(page(asked))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<script" not in html and "style=" not in html
    assert "ann@example.com" not in html and "Ann" not in html, "who has the link learns nothing of the contact"
    assert html.count('type="radio" name="score"') == 11
    assert "0 means not at all likely, 10 very likely." in html


@pytest.mark.covers("FLT-16", "FLT-41")
def test_an_answer_becomes_a_feedback_submission_and_events(asked, nps, ann, client):
    ticket = Ticket.objects.create(subject="Broken")
    SurveyInvitation.objects.update(ticket_id=ticket.pk)
    sent = {
        "score": "9", name_of(nps, "What for?"): "1", name_of(nps, "Which?"): ["0", "2", "0"],
        name_of(nps, "Why?"): "Fast <b>", name_of(nps, "Speed"): "",
    }  # fmt: skip
    answer = client.post(page(asked), sent)
    assert (answer.status_code, answer.url) == (303, page(asked, "sent/"))
    assert "We have received your answers." in client.get(answer.url).content.decode()
    submission = FeedbackSubmission.objects.get()
    facts = (submission.survey, submission.kind, submission.score, submission.sentiment, submission.channel)
    assert facts == ("After a ticket", "recommendation", 9, "positive", "email")
    assert submission.text == "What for?: Service\nWhich?: App, Phone\nWhy?: Fast <b>"
    assert ids_of("feedback_submission", [submission.pk], "contact") == {submission.pk: [ann.pk]}
    assert ids_of("feedback_submission", [submission.pk], "ticket") == {submission.pk: [ticket.pk]}
    told = Event.objects.filter(object_type="contact").order_by("id").values_list("record_id", "properties")
    assert list(told) == [
        (ann.pk, {"survey": "After a ticket", "question": question, "answer": text} | score)
        for question, text, score in (
            ("How likely are you to recommend us to a friend or colleague?", "9", {"score": 9}),
            ("What for?", "Service", {}), ("Which?", "App, Phone", {}), ("Why?", "Fast <b>", {}),
        )
    ]  # fmt: skip
    assert Event.objects.filter(object_type="ticket", record_id=ticket.pk).count() == 4


def test_who_has_answered_is_told_so_and_answers_no_second_time(asked, client):
    client.post(page(asked), {"score": "9"})
    again = client.post(page(asked), {"score": "1"})
    for answer in (again, client.get(page(asked))):
        assert "was answered by this link already" in answer.content.decode()
    assert FeedbackSubmission.objects.get().score == 9


def test_what_is_wrong_is_said_at_its_question_and_what_was_answered_stays(asked, nps, client):
    why = name_of(nps, "Why?")
    answer = client.post(page(asked), {"score": "11", why: "Because"})
    html = answer.content.decode()
    assert answer.status_code == 422 and "Not sent yet" in html and "Because" in html
    assert client.post(page(asked), {why: "x"}).status_code == 422, "the score is needed"
    assert client.post(page(asked), {"score": "3", why: "x" * 5_001}).status_code == 422
    assert client.post(page(asked), {"score": "3", why: "a\x00b"}).status_code == 422
    assert client.post(page(asked), {"score": "3", name_of(nps, "What for?"): "7"}).status_code == 422
    assert client.post(page(asked), {"score": "3", why: "x" * 70_000}).status_code == 413
    assert client.post(page(asked), {"score": "3", "your-homepage": "x"}).status_code == 400
    assert not SurveyResponse.objects.exists()


@pytest.mark.parametrize("facts", [{"active": False}, {"closes_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}])
def test_a_closed_survey_says_so_and_takes_nothing(asked, client, facts):
    Survey.objects.update(closed_text="It is over.", **facts)
    shown, sent = client.get(page(asked)), client.post(page(asked), {"score": "3"})
    assert (shown.status_code, sent.status_code) == (200, 403)
    assert "It is over." in shown.content.decode() and "It is over." in sent.content.decode()
    assert not FeedbackSubmission.objects.exists()


def test_a_link_nobody_was_given_leads_nowhere(asked, nps, client, admin_client):
    made_up = [f"/surveys/{token}/" for token in ("x", asked.token[:-1], "%00", nps.token)]
    assert {client.get(path).status_code for path in made_up} == {404}
    assert client.get(f"/surveys/{nps.token}/?preview=1").status_code == 404
    preview = admin_client.get(f"/surveys/{nps.token}/?preview=1").content.decode()
    assert '<fieldset class="bare" disabled>' in preview
    assert admin_client.post(f"/surveys/{nps.token}/", {"score": "3"}).status_code == 404
    assert client.get(page(asked, "sent/")).status_code == 303, "thanks are for who has answered"


def test_a_shared_link_takes_answers_of_people_nobody_knows(nps):
    Survey.objects.update(delivery="link")
    for score in ("3", "10"):
        assert Client().post(f"/surveys/{nps.token}/", {"score": score}).status_code == 303
    assert list(SurveyResponse.objects.values_list("contact", flat=True)) == [None, None]
    assert set(FeedbackSubmission.objects.values_list("channel", "sentiment")) == {
        ("link", "negative"), ("link", "positive"),
    }  # fmt: skip
    assert not Event.objects.exists()


def test_a_browser_answers_a_shared_link_once_in_a_while(nps, client, settings):
    Survey.objects.update(delivery="link")
    other = Survey.objects.create(name="Other", slug="other", kind="effort", delivery="link")
    shared, second = (f"/surveys/{survey.token}/" for survey in (nps, other))
    sent = client.post(shared, {"score": "9"})
    cookie = sent.cookies["survey_answered"]
    assert (sent.status_code, cookie["path"], cookie["max-age"]) == (303, shared, 30 * 24 * 60 * 60)
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", settings.SECURE or "")
    for answer in (client.get(shared), client.post(shared, {"score": "1"})):
        assert "was answered in this browser already" in answer.content.decode()
    assert client.get(f"{shared}sent/").status_code == 200
    assert client.post(second, {"score": "3"}).status_code == 303, "another survey is another matter"
    assert FeedbackSubmission.objects.filter(survey=nps.name).get().score == 9
    settings.SURVEY_AGAIN_DAYS = 0
    tablet = Client()
    for score in ("1", "2"):
        assert tablet.post(shared, {"score": score}).status_code == 303
    assert SurveyResponse.objects.filter(survey=nps).count() == 3


def test_an_address_answers_a_shared_link_so_many_times_a_day_whatever_its_browsers_keep(nps, asked, settings):
    settings.SURVEY_ANSWERS_PER_DAY = 2
    settings.FORM_SUBMISSIONS_PER_10_S = 1_000
    Survey.objects.update(delivery="link")
    shared, why = f"/surveys/{nps.token}/", name_of(nps, "Why?")
    assert [Client().post(shared, {"score": "x"}).status_code for _ in range(3)] == [422] * 3, "none was taken"
    sent = [Client().post(shared, {"score": "8", why: "Because"}) for _ in range(5)]
    refused = [answer.content.decode() for answer in sent if answer.status_code == 429]
    assert sent[0].status_code == 303 and refused, "also where a day ends in between"
    assert all("as many answers from your network" in html and "Because" in html for html in refused)
    assert SurveyResponse.objects.count() == len(sent) - len(refused)
    assert Client().post(shared, {"score": "8"}, REMOTE_ADDR="192.0.2.7").status_code == 303, "others go on"
    assert Client().post(page(asked), {"score": "8"}).status_code == 303, "as do links of one's own"


def test_an_address_that_sends_too_often_is_told_to_wait(asked, client, settings):
    settings.FORM_SUBMISSIONS_PER_10_S = 1
    codes = [client.post(page(asked), {"score": "x"}).status_code for _ in range(6)]
    assert codes[0] == 422 and 429 in codes, "a window may end in between"


def test_an_answer_is_kept_although_its_contact_was_deleted_meanwhile(asked, client):
    Contact.objects.update(deleted_at=database_now())
    assert client.post(page(asked), {"score": "7"}).status_code == 303
    submission = FeedbackSubmission.objects.get()
    assert submission.sentiment == "neutral"
    assert ids_of("feedback_submission", [submission.pk], "contact") == {}


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_by_one_link_one_counts(asked):
    at_once(page(asked), [Client() for _ in range(3)])
    assert FeedbackSubmission.objects.count() == SurveyResponse.objects.count() == 1


def at_once(path, browsers, **more):
    """What each of some browsers reads that send an answer at the same time."""
    together = threading.Barrier(len(browsers))
    read = []

    def send(browser: Client, score: int) -> None:
        together.wait()
        answer = browser.post(path, {"score": str(score), **more})
        read.append(answer.content.decode() or answer.status_code)
        connection.close()

    threads = [threading.Thread(target=send, args=(one, score)) for score, one in enumerate(browsers)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return read


def key_in(answer):
    """The key of a page that was drawn."""
    return re.search(r'name="page_key" value="([^"]+)"', answer.content.decode())[1]


def same_browser(client, count):
    """As many tabs of one browser, none of which knows yet what the others have sent."""
    tabs = [Client() for _ in range(count)]
    for tab in tabs:
        tab.cookies = SimpleCookie({name: cookie.value for name, cookie in client.cookies.items()})
    return tabs


@pytest.mark.django_db(transaction=True)
def test_of_answers_a_browser_sends_at_once_by_a_shared_link_one_counts(nps, client):
    Survey.objects.update(delivery="link")
    shared = f"/surveys/{nps.token}/"
    first = client.get(shared)
    cookie = first.cookies["survey_answered"]
    assert (cookie["path"], cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (shared, "", True, "Lax")
    assert "survey_answered" not in client.get(shared).cookies, "it keeps the key it has"
    read = at_once(shared, same_browser(client, 3), page_key="x" * 32)
    assert read.count(303) == 1
    assert all("was answered in this browser already" in html for html in read if html != 303)
    assert FeedbackSubmission.objects.count() == SurveyResponse.objects.count() == 1
    assert cookie.value not in str(SurveyResponse.objects.values().get()), "nobody finds the browser by the answer"
    assert at_once(shared, [Client(), Client()]) == [303, 303], "of browsers nobody knows each counts"


@pytest.mark.django_db(transaction=True)
def test_a_page_counts_once_where_a_browser_may_answer_often(nps, settings):
    settings.SURVEY_AGAIN_DAYS = 0
    Survey.objects.update(delivery="link")
    shared, tablet = f"/surveys/{nps.token}/", Client()
    drawn = tablet.get(shared)
    assert "survey_answered" not in drawn.cookies
    wrong = tablet.post(shared, {"score": "x", "page_key": key_in(drawn)})
    assert key_in(wrong) == key_in(drawn), "corrected, it is the same page"
    read = at_once(shared, same_browser(tablet, 2), page_key=key_in(drawn))
    assert read.count(303) == 1 and any("so they count once" in str(html) for html in read)
    assert tablet.post(shared, {"score": "3", "page_key": key_in(tablet.get(shared))}).status_code == 303
    assert SurveyResponse.objects.count() == 2


def test_a_link_of_ones_own_needs_no_cookie(asked, client):
    drawn = client.get(page(asked))
    assert not drawn.cookies and "page_key" not in drawn.content.decode()
