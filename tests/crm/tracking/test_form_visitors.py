"""Filling in a form says whose browser it is."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.models import Contact, Hit
from crm.tracking.recording import record_hits
from records.clock import database_now
from records.models import Event
from tests.crm.forms.conftest import make_form
from tests.crm.tracking.test_visitors import KEY, viewers
from tests.workflows.intake.test_event_triggers import inside, on, run

pytestmark = pytest.mark.django_db


@pytest.mark.covers("TRG-33")
def test_a_visitor_who_sends_a_form_becomes_a_contact_with_its_earlier_page_views(client):
    viewed, submitted = on({"event": "page_viewed"}), on({"event": "form_submitted"})
    now = database_now()
    facts = {"url": "https://example.com/pricing"}
    Hit.objects.create(visitor=KEY, kind="page_viewed", facts=facts, occurred_at=now, received_at=now)
    record_hits(database_now())
    form = make_form()
    page = reverse("forms:form", args=[form.token])
    client.post(page, {"email": "ann@example.com", "first_name": "Ann", "headrace_visitor": KEY})
    contact = Contact.objects.get(email="ann@example.com")
    record_hits(database_now())
    run()
    assert Event.objects.get(event="page_viewed").record_id == contact.pk
    assert viewers() == [contact.pk]
    assert inside(viewed) == set() and inside(submitted) == {contact.pk}
