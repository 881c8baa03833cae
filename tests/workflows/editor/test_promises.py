"""What the editor promises and its pages show: weight, palette, cards at a glance, chips, goals, uses."""

from __future__ import annotations

import gzip
import re
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from benchmarks.editor import workflow_of
from crm.models import User
from records.clock import database_now
from records.defining import removal_of, remove
from records.lists import keeping
from records.models import PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, boss, draft, live
from workflows import drafting
from workflows.definitions.goals import Goal
from workflows.definitions.parsing import parse
from workflows.editor.canvas import State, canvas
from workflows.editor.gallery import card
from workflows.editor.layout import layout
from workflows.lifecycle import publishing, switching
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).resolve().parents[3] / "workflows" / "static" / "workflows"
KB = 1024


def page_of(client: Client, workflow: Workflow, name: str = "editor", query: str = "") -> str:
    answer = client.get(reverse(f"admin:workflow_{name}", args=[workflow.pk]) + query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_the_page_of_two_hundred_steps_is_light(admin_client: Client) -> None:
    document = {**workflow_of(200).document, "trigger": {"kind": "manual"}}
    workflow = drafting.create("Large", "contact", None, document)
    answer = admin_client.get(reverse("admin:workflow_editor", args=[workflow.pk]))
    assert answer.content.count(b'class="flow-card') == 201
    assert len(gzip.compress(answer.content, 6)) <= 20_000
    assert b"data-add" not in answer.content, "the page does not grow with the actions there are"


def test_the_script_of_the_editor_is_small_and_served_as_it_is_written() -> None:
    script = (STATIC / "editor.js").read_bytes()
    assert len(script.splitlines()) <= 600
    assert len(gzip.compress(script, 9)) <= 8 * KB
    for module in STATIC.glob("*.js"):
        assert not re.search(r"sourceMappingURL|require\(|process\.env", module.read_text()), f"{module} was built"
    root = STATIC.parents[2]
    assert not [name for name in ("package.json", "node_modules", "vite.config.js") if (root / name).exists()]


@pytest.mark.detail(3)
def test_the_palette_names_every_action_and_why_some_cannot_be_used(admin_client: Client) -> None:
    page = page_of(admin_client, drafting.create("Follow up", "deal", None), "palette")
    options = re.findall(r'data-add="(\w+)"[^>]*?(aria-disabled="true")?>', page)
    greyed = [slug for slug, disabled in options if disabled]
    assert "delay" not in greyed and len(options) > 20
    assert "delay_to_centre" in greyed
    text = page.partition('data-add="delay_to_centre"')[2].partition("</button>")[0]
    assert "centre" in text.partition('class="small muted"')[2].partition("</span>")[0]


@pytest.mark.detail(4)
def test_a_step_at_a_glance_tells_every_setting_and_the_whole_message(admin_client: Client) -> None:
    User.objects.create_user("ann", first_name="Ann", last_name="Berg")
    body = "Hello,\nthe deal {{ deal.name }} is waiting.\n" * 3
    params = {"to": ["owner", "ann"], "subject": "About {{ deal.name }}", "body": body}
    steps = [{"id": "mail", "action": "send_internal_email", "params": params, "comment": "Agreed with sales"}]
    workflow = draft(BIG, steps=steps)
    told = page_of(admin_client, workflow, "glance", "?step=mail")
    assert body.strip() in told
    assert "About {{ deal.name }}" in told and "Ann Berg" in told and "Agreed with sales" in told
    assert admin_client.get(reverse("admin:workflow_glance", args=[workflow.pk]) + "?step=x").status_code == 404


@pytest.mark.detail(4)
def test_the_trigger_at_a_glance_tells_its_whole_sentence(admin_client: Client) -> None:
    names = [f"Customer number {number}" for number in range(20)]
    criteria = {"any": [{"all": [{"property": "name", "operator": "is_equal_to_any_of", "value": names}]}]}
    trigger = {"kind": "filter", "criteria": criteria, "reenroll": ["any.0.all.0"]}
    workflow = drafting.create("Customers", "deal", None, {"trigger": trigger, "steps": []})
    told = page_of(admin_client, workflow, "glance", "?step=trigger")
    assert "Customer number 0" in told and "Customer number 19" in told and "Re-enrollment" in told


@pytest.mark.detail(4)
def test_every_action_can_be_looked_at_before_anything_is_set(admin_client: Client) -> None:
    from workflows.registries import actions

    steps = []
    for action in actions.values():
        step = {"id": f"s-{action.slug}".replace("_", "-"), "action": action.slug}
        if action.splits:
            step["branches"] = [{**branch, "steps": []} for branch in action.default_branches()]
        steps.append(step)
    workflow = draft(BIG, steps=steps)
    for step in steps:
        assert page_of(admin_client, workflow, "glance", f"?step={step['id']}")


@pytest.mark.detail(19)
def test_go_tos_and_their_targets_name_and_lead_to_each_other() -> None:
    first = [{"id": "a", "action": "delay"}, {"id": "b", "action": "delay"}]
    others = [
        {"name": name, "steps": [{"id": f"jump-{name}", "action": "go_to", "params": {"step": "b"}}]} for name in "xy"
    ]
    split = {"id": "split", "action": "branch", "branches": [{"name": "w", "steps": first}, *others]}
    html = canvas(layout(parse({"object": "contact", "steps": [split]})), State())
    chips = re.findall(r'href="\?step=([\w-]+)"[^>]*title="([^"]+)"><span aria-hidden="true">([^<]+)', html)
    assert chips == [
        ("jump-x", "Continued from steps 4 and 5", "← 4 +1"),
        ("b", "Goes on at step 3", "→ 3"),
        ("b", "Goes on at step 3", "→ 3"),
    ]


@pytest.mark.detail(24)
def test_a_comment_shows_on_the_card_and_in_the_outline(admin_client: Client) -> None:
    step = {"id": "note", "action": "create_note", "params": {"body": "Hi"}, "comment": "Ask Bo first <b>"}
    workflow = draft(BIG, steps=[step])
    assert 'title="Ask Bo first &lt;b&gt;"' in canvas(layout(parse(workflow.revisions.get().definition)), State())
    assert "Ask Bo first <b>" in page_of(admin_client, workflow, "outline")


@pytest.mark.detail(25)
def test_the_first_screen_offers_goals_with_pictures_and_says_what_they_lack(admin_client: Client) -> None:
    page = unescape(admin_client.get("/admin/workflows/workflow/").content.decode())
    assert page.count('name="goal"') == page.count('class="goal-picture"') >= 3
    assert len(re.findall(r'class="thumb-step"', page)) > 9
    document = {
        "format": 1, "name": "Trials", "object": "contact",
        "trigger": {"kind": "filter", "criteria": {"all": [{"property": "trial_end", "operator": "is_known"}]}},
        "steps": [{"id": "note", "action": "create_note", "params": {"body": "Trial"}}],
    }  # fmt: skip
    found = card(Goal("trials", "Trials", "When a trial ends.", document))
    assert found.steps == 1 and "trial_end" in " ".join(found.lacking)


@pytest.mark.detail(23)
def test_whoever_deletes_a_property_is_told_which_workflows_and_lists_use_it() -> None:
    trial = PropertyDefinition.objects.create(object_type="deal", slug="trial", label="Trial", type="text")
    PropertyDefinition.objects.create(object_type="deal", slug="trial_end", label="Trial end", type="text")
    known = {"property": "trial", "operator": "is_known"}
    draft(BIG, steps=[{"id": "set", "action": "edit_record", "params": {"property": "trial", "value": "x"}}])
    Workflow.objects.update(name="A")
    live(known)
    Workflow.objects.filter(name="Test").update(name="B")
    draft({"property": "trial_end", "operator": "is_known"})
    keeping.create(object_types["deal"], "Trials", now=database_now(), criteria={"all": [known]})
    told = removal_of(trial)
    assert [use.partition("“")[2] for use in told.users] == ["Trials”", "A”", "B”"]
    assert "the workflow “A”" in " ".join(told.sentences(trial))


@pytest.mark.parametrize("use", ["trigger", "step"])
def test_a_property_that_a_workflow_which_is_on_needs_is_not_deleted(use: str) -> None:
    trial = PropertyDefinition.objects.create(object_type="deal", slug="trial", label="Trial", type="text")
    steps = {
        "trigger": [{"id": "end", "action": "end"}],
        "step": [{"id": "set", "action": "edit_record", "params": {"property": "trial", "value": "x"}}],
    }
    events = {"kind": "event", "events": [{"event": "property_changed", "property": "trial"}]}
    more = {"trigger": events} if use == "trigger" else {}
    workflow = live(BIG, steps=steps[use], **more)
    told = removal_of(trial)
    assert not told.possible and "It is needed by the workflow “Test”." in " ".join(told.sentences(trial))
    with pytest.raises(DocumentError, match="needed by the workflow"):
        remove(trial)
    switching.turn_off(workflow, by=boss(), now=database_now())
    assert removal_of(trial).possible
    assert remove(trial) == 0
    codes = [problem.path for problem in publishing.review(workflow, user=boss(), now=database_now()).problems]
    assert any(path.startswith("trigger.events.0" if use == "trigger" else "steps.0") for path in codes)


@pytest.mark.detail(23)
def test_whoever_turns_a_workflow_off_or_deletes_it_is_told_which_workflows_send_records_there(
    admin_client: Client,
) -> None:
    target = live(BIG)
    go = {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(target.pk)}}
    sender = live({"property": "amount", "operator": "is_greater_than", "value": 99}, steps=[go])
    told = "enrolls records here: they will be turned away"
    for to, known in (("off", True), ("drain", True), ("pause", False)):
        page = admin_client.get(f"/admin/workflows/workflow/switch/?to={to}&id={target.pk}&id={sender.pk}")
        assert page.content.decode().count(told) == int(known)
    assert told in page_of(admin_client, target, "remove")
    assert told not in page_of(admin_client, sender, "remove")


@pytest.mark.detail(23)
def test_a_person_who_is_gone_is_a_problem_of_the_workflows_that_write_to_them(admin_client: Client) -> None:
    ann = User.objects.create_user("ann")
    params = {"users": ["ann"], "title": "Look", "body": ""}
    live(BIG, steps=[{"id": "tell", "action": "send_notification", "params": params}])
    page = admin_client.get("/admin/workflows/workflow/").content.decode()
    assert "chip-warn" not in page
    ann.is_active = False
    ann.save()
    assert '<span class="chip chip-warn">1</span>' in admin_client.get("/admin/workflows/workflow/").content.decode()


@pytest.mark.covers("EDT-08")
def test_what_is_wrong_leads_to_the_field_the_tab_or_the_settings(admin_client: Client) -> None:
    workflow = draft(BIG, steps=[{"id": "note", "action": "create_note", "params": {}}])
    page = page_of(admin_client, workflow, "panel", "?step=note")
    assert '<a href="#param_body">' in page and 'id="param_body"' in page
    drafted = workflow.revisions.get()
    drafted.definition |= {"suppress": ["no-such-list"], "settings": {"timezone": "Nowhere/City"}}
    drafted.save()
    assert '<a href="#tab-door">' in page_of(admin_client, workflow, "panel", "?step=trigger")
    page = page_of(admin_client, workflow)
    assert 'class="flow-card flow-trigger flow-warn"' in page
    assert 'class="btn flow-history flow-warn" id="flow-settings"' in page
