"""Surveys are built in the admin, and their results read there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from crm.models import Contact, FeedbackSubmission, Survey, SurveyInvitation, User
from crm.surveys import answering, asking, results
from records.clock import database_now
from records.models import Access
from records.object_types import object_types
from records.property_access.granting import grant
from tests.crm.surveys.conftest import name_of

pytestmark = pytest.mark.django_db
FIRST = {"questions-0-text": "Why?", "questions-0-kind": "text", "questions-0-lowest": "1", "questions-0-highest": "5"}


def build(page, questions=(), **facts):
    """Post the builder's page."""
    sent = {
        "name": "Care", "kind": "recommendation", "delivery": "workflow", "active": "on", "appearance": "auto",
        "type": "care", "subject": "How was it?", "repeat_days": "0", "questions-TOTAL_FORMS": "1",
        "questions-INITIAL_FORMS": "0", "questions-0-position": "0", **dict(questions), **facts,
    }  # fmt: skip
    return page.post("/admin/crm/survey/add/", sent)


def test_a_survey_is_built_with_its_questions(care, admin_page):
    answer = build(admin_page, FIRST)
    assert answer.status_code == 302, answer.context["errors"]
    survey = Survey.objects.get()
    assert (survey.slug, survey.questions.get().text) == ("care", "Why?")
    page = admin_page.get(f"/admin/crm/survey/{survey.pk}/change/")
    assert f'src="http://testserver/surveys/{survey.token}/?preview=1"' in page.content.decode()
    framed = admin_page.get(f"/surveys/{survey.token}/?preview=1")
    assert "frame-ancestors 'self'" in framed["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in admin_page.get("/admin/crm/survey/")["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"type": ""}, "Choose what the email is about"),
        ({"subject": ""}, "write the subject"),
        ({"message": "{{ contact.shoe_size }}"}, "There is no token"),
        ({"kind": "custom"}, "Add a question"),
        ({**FIRST, "questions-0-kind": "choice", "questions-0-options": "One"}, "needs two options"),
    ],
)
def test_what_cannot_be_sent_or_asked_is_refused_with_the_remedy(care, admin_page, facts, sentence):
    answer = build(admin_page, **facts)
    assert answer.status_code == 200 and sentence in answer.content.decode()
    assert not Survey.objects.exists()


def answered(survey, *scores):
    now, questions = database_now(), asking.questions(survey)
    for number, score in enumerate(scores):
        contact = Contact.objects.create(email=f"p{number}@example.com", first_name=f"P{number}")
        invitation = SurveyInvitation.objects.create(survey=survey, contact=contact, sent_at=now)
        if score is not None:
            answers = {"score": score, name_of(survey, "Why?"): f"Secret {number}"}
            answering.answer(survey, questions, answers, now=now, invitation=invitation)


def test_the_results_tell_rate_score_options_and_answers(nps, admin_page):
    answered(nps, 10, 9, 8, 0, None)
    figures = results.figures([nps.pk])[nps.pk]
    assert (figures.sent, figures.responses, figures.rate) == (5, 4, 0.8)
    assert results.score_of(nps).figure == 25.0
    [(_question, shares), *_others] = results.options_of(nps)
    assert {one.text: one.count for one in shares if one.count} == {"0": 1, "8": 1, "9": 1, "10": 1}
    html = admin_page.get(f"/admin/crm/survey/{nps.pk}/results/").content.decode()
    assert "25.0" in html and "80.0 %" in html and "Secret 3" in html and ">P0<" in html
    assert "80.0 %" in admin_page.get("/admin/crm/survey/").content.decode()
    FeedbackSubmission.objects.filter(score=0).update(deleted_at=database_now())
    assert "Secret 3" not in admin_page.get(f"/admin/crm/survey/{nps.pk}/results/").content.decode()


def test_nobody_writes_of_what_they_may_not_see(care, client):
    user = User.objects.create_user("una", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("add_survey", "view_survey", "change_survey")))
    group = Group.objects.create(name="Blind")
    user.groups.add(group)
    grant(group, object_types["contact"], {"phone": Access.NONE}, by=None, now=database_now())
    client.force_login(user)
    answer = build(client, FIRST, message="{{ contact.phone }}")
    assert answer.status_code == 200 and "which you may not see" in answer.content.decode()
    assert not Survey.objects.exists()
    assert build(client, FIRST, message="{{ contact.first_name }}").status_code == 302


def test_results_are_for_who_may_see_feedback_and_without_what_is_hidden_from_them(nps, client):
    answered(nps, 10)
    user = User.objects.create_user("una", is_staff=True)
    client.force_login(user)
    page = f"/admin/crm/survey/{nps.pk}/results/"
    user.user_permissions.set(Permission.objects.filter(codename="view_survey"))
    assert client.get(page).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_feedbacksubmission"))
    html = client.get(page).content.decode()
    assert "Secret 0" in html and ">P0<" not in html, "who answered is for those who may see contacts"
    group = Group.objects.create(name="Blind")
    user.groups.add(group)
    grant(
        group, object_types["feedback_submission"], {"text": Access.NONE, "score": Access.NONE},
        by=None, now=database_now(),
    )  # fmt: skip
    html = client.get(page).content.decode()
    assert "Secret 0" not in html and "Promoter" not in html
    nps.questions.get(text="Why?").delete()
    assert "Secret 0" not in client.get(page).content.decode(), "also what answers a question that is gone"
