"""A form, and a page to send it from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from crm.models import Form, SubscriptionType
from records.api.throttling import counter


@pytest.fixture(autouse=True)
def _nobody_has_sent_anything() -> None:
    """Attempts of other tests count for their own forms only; the ids of forms begin anew with each database."""
    cache.clear()
    if counter.client is not None:
        for key in counter.client.scan_iter("headrace:throttle:form:*"):
            counter.client.delete(key)
    counter.local.clear()


def make_form(name: str = "Demo request", **facts: object) -> Form:
    form = Form.objects.create(name=name, slug=name.lower().replace(" ", "-"), **facts)
    for position, (prop, required) in enumerate(
        [("contact.email", True), ("contact.first_name", True), ("contact.job_title", False)]
    ):
        form.fields.create(property=prop, required=required, position=position)
    return form


@pytest.fixture
def form(db: None) -> Form:
    return make_form()


@pytest.fixture
def newsletter(db: None) -> SubscriptionType:
    return SubscriptionType.objects.create(slug="newsletter", name="Newsletter")


@pytest.fixture
def send(client: Client) -> Callable[..., object]:
    """Send a form: `send(form, email="a@b.example", first_name="Ann")`."""

    def sender(form: Form, path: str = "", **answers: object) -> object:
        data = {"email": "ann@example.com", "first_name": "Ann"} | answers
        return client.post(f"/forms/{form.token}/{path}", {k: v for k, v in data.items() if v is not None})

    return sender
