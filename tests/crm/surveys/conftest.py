"""A survey that workflows send, and somebody who was asked by it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from crm.models import Contact, SubscriptionType, Survey, SurveyInvitation
from records.api.throttling import counter
from records.clock import database_now


@pytest.fixture(autouse=True)
def _nobody_has_asked_anything(settings: Any) -> None:
    """What other tests have asked for counts for the same address."""
    settings.PUBLIC_URL = "https://crm.example.com"
    cache.clear()
    if counter.client is not None:
        for key in counter.client.scan_iter("headrace:throttle:survey*"):
            counter.client.delete(key)
    counter.local.clear()


@pytest.fixture
def care(db: None) -> SubscriptionType:
    return SubscriptionType.objects.create(slug="care", name="Care", purpose="service")


@pytest.fixture
def nps(care: SubscriptionType) -> Survey:
    survey = Survey.objects.create(
        name="After a ticket", slug="after", type=care, subject="How was it, {{ contact.first_name }}?",
        message="Hello {{ contact.first_name }}, tell us.",
    )  # fmt: skip
    survey.questions.create(kind="choice", text="What for?", options=["Price", "Service"], position=1)
    survey.questions.create(kind="choices", text="Which?", options=["App", "Web", "Phone"], position=2)
    survey.questions.create(kind="text", text="Why?", position=3)
    survey.questions.create(kind="scale", text="Speed", lowest=1, highest=5, position=4)
    return survey


@pytest.fixture
def ann(db: None) -> Contact:
    return Contact.objects.create(email="ann@example.com", first_name="Ann")


@pytest.fixture
def asked(nps: Survey, ann: Contact) -> SurveyInvitation:
    return SurveyInvitation.objects.create(survey=nps, contact=ann, sent_at=database_now())


def name_of(survey: Survey, text: str) -> str:
    """The name in the page of the question with a text."""
    return f"q{survey.questions.get(text=text).pk}"
