"""Why a record is in a workflow is told without the values of properties a person has no access to (PRM-09)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.admin import timeline
from crm.models import Contact, Deal, User
from records.clock import database_now
from records.happening import happen
from records.models import Access
from records.object_types import object_types
from records.property_access.granting import grant
from records.saving import Row, save_batch
from tests.workflows.publishing_deals import settle
from tests.workflows.restricted import RENAME, member, published
from workflows.history.explaining import explain
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db
WON = {"any": [{"all": [{"property": "stage", "operator": "is_any_of", "value": ["won"]}]}]}
TRIGGERS: dict[str, Any] = {
    "event": {"kind": "event", "events": [{"event": "property_changed", "property": "stage"}]},
    "filter": {"kind": "filter", "criteria": WON},
}


def told(workflow: Workflow, deal: Deal, user: User) -> str:
    """Everything said about a deal in a workflow, on every page and by the API."""
    client = Client()
    client.force_login(user)
    enrollment = Enrollment.objects.get(workflow=workflow)
    pages = [
        reverse("admin:workflows_enrollment_change", args=[enrollment.pk]),
        f"{reverse('admin:workflow_diagnose', args=[workflow.pk])}?record={deal.pk}",
    ]
    said = [client.get(page).content.decode() for page in pages]
    assert all("tage" in page for page in said), "the reason is told"
    found = explain(workflow, deal.pk, now=database_now(), user=user)
    return " ".join([*said, *map(str, found.sentences)])


@pytest.mark.parametrize("trigger", TRIGGERS.values(), ids=TRIGGERS)
def test_what_else_has_changed_with_the_reason_is_told_to_who_may_see_it(trigger: dict[str, Any]) -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    deal = Deal.objects.create(name="Big one", amount=7771)
    settle()
    workflow = published(RENAME, trigger=trigger)
    save_batch(object_types["deal"], [Row({"stage": "won", "amount": 8882}, id=deal.pk)])
    settle()
    assert "8,882" in told(workflow, deal, vic) or "8882" in told(workflow, deal, vic)
    said = told(workflow, deal, una)
    assert not [one for one in ("8,882", "8882", "7,771", "7771") if one in said]


def test_answers_to_forms_are_told_on_timelines_only_to_who_may_see_every_property() -> None:
    una = member("una", None, "crm.view_contact")
    contact = Contact.objects.create(email="ann@example.com")
    facts = {"form": "offer", "fields": "Phone: 070-4711"}
    happen("form_submitted", "contact", [contact.pk], properties=facts, now=database_now())

    def lines(user: User) -> str:
        return " ".join(str(line.body) for line in timeline.page_of(object_types["contact"], contact.pk, user).lines)

    assert "070-4711" in lines(una)
    grant(una.groups.get(), object_types["contact"], {"phone": Access.NONE}, by=una, now=database_now())
    assert "070-4711" not in lines(User.objects.get(pk=una.pk)) and "offer" in lines(User.objects.get(pk=una.pk))
