"""Workflows as parts of campaigns (SET-13)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from crm.models import Campaign, Contact
from records.clock import database_now
from records.problems import DocumentError
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.editor.settings_panel import SettingsPanel
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import publishing
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


def draft(object_type: str = "contact", **settings: Any) -> Workflow:
    definition = {
        "object": object_type,
        "trigger": {"kind": "manual"},
        "steps": [{"id": "end", "action": "end"}],
        "settings": settings,
    }
    return drafting.create("Spring mail", object_type, boss(), definition=definition)


def publish(workflow: Workflow) -> None:
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)


@pytest.mark.covers("SET-13")
def test_a_campaign_lists_its_workflows_with_how_many_records_entered(admin_page: Any) -> None:
    spring, autumn = Campaign.objects.create(name="Spring"), Campaign.objects.create(name="Autumn")
    workflow = draft(campaign=str(spring.pk))
    publish(workflow)
    contact = Contact.objects.create(email="ann@example.com")
    enroll(workflow, [contact.pk], cause={"kind": "manual", "actor": boss().pk}, now=database_now(), manual=True)
    page = admin_page.get(reverse("admin:crm_campaign_change", args=[spring.pk])).content.decode()
    assert "Spring mail" in page
    assert "1 record entered" in page
    other = admin_page.get(reverse("admin:crm_campaign_change", args=[autumn.pk])).content.decode()
    assert "Spring mail" not in other
    assert "None yet" in other
    listed = admin_page.get(reverse("admin:crm_campaign_changelist")).content.decode()
    assert '<td class="field-number_of_workflows">1</td>' in listed


def test_the_settings_of_a_contact_workflow_offer_the_campaigns_and_keep_the_choice() -> None:
    spring = Campaign.objects.create(name="Spring")
    workflow = draft(timezone="Europe/Stockholm")
    panel = SettingsPanel(parsed(workflow))
    assert [field.name for field in panel.form.attached_to] == ["campaign"]
    assert "Spring" in str(panel.form["campaign"])
    sent = SettingsPanel(parsed(workflow), {"campaign": str(spring.pk), "timezone": "Europe/Stockholm"})
    settings = sent.op()["values"]["settings"]
    assert (settings["campaign"], settings["timezone"]) == (str(spring.pk), "Europe/Stockholm")


def parsed(workflow: Workflow) -> Any:
    return parse(drafting.draft_of(workflow).definition)


@pytest.mark.parametrize("value", ["999999", "spring", -1, {"a": 1}, "²"])
def test_a_campaign_that_is_not_there_is_refused_with_its_path(value: Any) -> None:
    with pytest.raises(DocumentError) as caught:
        publish(draft(campaign=value))
    assert [problem.path for problem in caught.value.problems] == ["settings.campaign"]


def test_only_workflows_with_contacts_are_parts_of_campaigns() -> None:
    spring = Campaign.objects.create(name="Spring")
    workflow = draft("deal", campaign=str(spring.pk))
    assert SettingsPanel(parsed(workflow)).form.attached_to == []
    with pytest.raises(DocumentError) as caught:
        publish(workflow)
    assert [problem.path for problem in caught.value.problems] == ["settings.campaign"]


def test_a_campaign_that_ends_before_it_starts_is_refused(admin_page: Any) -> None:
    facts = {"name": "Back", "starts_on": "2027-05-02", "ends_on": "2027-05-01", "notes": ""}
    page = admin_page.post(reverse("admin:crm_campaign_add"), facts).content.decode()
    assert "The last day lies before the first day" in page
    assert not Campaign.objects.exists()


@pytest.mark.covers("SCH-20")
def test_a_scheduled_workflow_is_part_of_its_campaign_too(admin_page: Any) -> None:
    spring = Campaign.objects.create(name="Spring")
    trigger = {"kind": "schedule", "schedule": {"every": "day", "at": "09:00"}, "criteria": {"all": []}}
    definition = {
        "object": "contact", "trigger": trigger, "steps": [{"id": "end", "action": "end"}],
        "settings": {"campaign": str(spring.pk)},
    }  # fmt: skip
    workflow = drafting.create("Every morning", "contact", boss(), definition=definition)
    assert "campaign" in [field.name for field in SettingsPanel(parsed(workflow)).form.attached_to]
    publish(workflow)
    page = admin_page.get(reverse("admin:crm_campaign_change", args=[spring.pk])).content.decode()
    assert "Every morning" in page
