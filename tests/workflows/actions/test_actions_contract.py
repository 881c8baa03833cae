"""What every action in the registry promises, whoever wrote it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from crm.models import (
    Audience,
    Company,
    Contact,
    EmailTemplate,
    Inbox,
    Sequence,
    SubscriptionType,
    Survey,
    TaskQueue,
    Team,
    TeamMembership,
    User,
)
from records.associations import associate
from records.lists import keeping
from records.object_types import object_types
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows import prepared
from workflows.definitions import parsing
from workflows.engine.taking_steps import run_due
from workflows.models import AIProvider, Connection, Enrollment, StepExecution, Workflow
from workflows.outside import connecting
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db

IS_SWEDISH = {"all": [{"property": "country", "operator": "is_equal_to_any_of", "value": ["Sweden"]}]}
BLANK = "{{ contact.job_title | default: '-' }}{{ contact.owner.email }}"

#: A finished setting of every action, with tokens that are blank for some records where it takes texts.
EXAMPLES = {
    "add_to_audience": step("s", "add_to_audience", audience="visitors"),
    "add_to_list": step("s", "add_to_list", list="vip"),
    "apply_label": step("s", "apply_label", of="company", new_label="employer"),
    "ask_ai": step(
        "s",
        "ask_ai",
        prompt=f"Who is {BLANK}?",
        properties=["email", "owner"],
        outputs=[
            {"name": "mood", "type": "select", "about": "How they feel", "options": ["glad", "angry"]},
            {"name": "score", "type": "number"},
        ],
    ),
    "assign_conversation": step("s", "assign_conversation", of="conversation", inbox="support", owner="owner"),
    "branch": step("s", "branch", [{"name": "A", "criteria": IS_SWEDISH, "steps": []}, {"name": "B", "steps": []}]),
    "change_number": step("s", "change_number", property="lead_score", by=-2),
    "create_association": step(
        "s", "create_association", object="company", property="job_title", matches="name", label="employer"
    ),
    "create_note": step("s", "create_note", body=f"About {BLANK}", pinned=True),
    "create_task": step(
        "s",
        "create_task",
        title=f"Call {BLANK}",
        kind="call",
        priority="high",
        queue="inbound",
        assignee="owner",
        due={"days": 2},
        at="09:00",
        workdays=True,
        reminder={"minutes": 0},
        associate=["company", "deal"],
        body=BLANK,
    ),
    "create_record": step(
        "s",
        "create_record",
        object="company",
        properties={"name": f"Firm {BLANK}", "employees": 5, "lifecycle_stage": "lead"},
        associate=True,
    ),
    "custom_code": step(
        "s",
        "custom_code",
        code="exports.main = async (event) => ({ outputFields: { size: event.inputFields.title } });",
        inputs=[{"name": "title", "from": "job_title"}, {"name": "owner", "from": "owner"}],
        secrets=[{"name": "TOKEN", "connection": "shop"}],
        outputs=[{"name": "size", "type": "text"}, {"name": "tier", "type": "select", "options": "gold; silver"}],
    ),
    "delay": step("s", "delay", hours=3),
    "delay_to_centre": step("s", "delay_to_centre", days=-3, at="09:00"),
    "delay_until_date": step("s", "delay_until_date", at="2027-05-01T09:00", zone="record"),
    "delay_until_event": step(
        "s",
        "delay_until_event",
        event="property_changed",
        property="city",
        values=["Berlin", "Oslo"],
        max_wait={"days": 2},
    ),
    "delay_until_property": step(
        "s", "delay_until_property", property="created_at", offset_days=-3, at="09:00", zone="workflow"
    ),
    "delay_until_time": step("s", "delay_until_time", at="17:30", zone="record"),
    "delay_until_weekday": step("s", "delay_until_weekday", days=["tue", "sun"], at="08:15", zone="record"),
    "delete_contact": step("s", "delete_contact"),
    "edit_record": step("s", "edit_record", property="city", value=f"Near {BLANK}"),
    "end": step("s", "end"),
    "enrich_record": step("s", "enrich_record", properties=["city", "country"], known=["email"], overwrite=True),
    "enroll_in_prospecting_agent": step("s", "enroll_in_prospecting_agent", sender="owner"),
    "enroll_in_sequence": step(
        "s", "enroll_in_sequence", sequence="welcome", sender="user", user="amy", from_address="team@example.com"
    ),
    "fill_property": step("s", "fill_property", property="city", prompt=f"Where is {BLANK}?", known=["email"]),
    "format_data": step(
        "s",
        "format_data",
        format="formula",
        formula='join(" ", title(contact.job_title), owner.email, if_blank(contact.country, "nowhere"))',
    ),
    "format_phone": step("s", "format_phone", property="phone", country="US"),
    "random_split": step(
        "s",
        "random_split",
        [
            {"name": "A", "percent": 12.5, "steps": []},
            {"name": "B", "percent": 87.5, "steps": []},
        ],
    ),
    "remove_from_audience": step("s", "remove_from_audience", audience="visitors"),
    "remove_from_list": step("s", "remove_from_list", list="vip"),
    "remove_label": step("s", "remove_label", of="company", label="old"),
    "research": step(
        "s", "research", prompt=f"Who is {BLANK}?", outputs=[{"name": "founded", "type": "date"}], provider="model"
    ),
    "research_company": step("s", "research_company", of="company", known=["name"], focus=f"About {BLANK}"),
    "rotate_owner": step("s", "rotate_owner", team="north", property="owner", keep_existing=True),
    "send_email": step("s", "send_email", email="welcome", subscribed=True),
    "send_internal_marketing_email": step(
        "s", "send_internal_marketing_email", email="welcome", addresses="boss@example.com", property="email"
    ),
    "send_internal_email": step("s", "send_internal_email", to=["owner", "amy"], subject=f"On {BLANK}", body=BLANK),
    "send_notification": step("s", "send_notification", users=["owner"], teams=["north"], title=BLANK),
    "send_survey": step("s", "send_survey", survey="nps"),
    "send_sms": step(
        "s",
        "send_sms",
        connection="sms",
        sender="+15550001111",
        message=f"On {BLANK}",
        type="texts",
        number="phone",
        country="US",
    ),
    "send_whatsapp": step(
        "s",
        "send_whatsapp",
        connection="sms",
        sender="106540352242922",
        template="order_shipped",
        language="en_US",
        parameters=f"One\nOn {BLANK}",
        type="chats",
        country="US",
    ),
    "send_webhook": step(
        "s",
        "send_webhook",
        method="POST",
        url="https://example.com/{{ contact.job_title }}",
        body="properties",
        properties=["email", "lead_score", "owner"],
        values={"about": f"See {BLANK}", "score": "{{ contact.lead_score }}"},
        headers={"X-Country": "{{ contact.country }}"},
        outputs=[{"name": "score", "path": "data.score", "type": "number"}],
    ),
    "set_marketing_status": step("s", "set_marketing_status", status="marketing"),
    "set_subscription": step(
        "s", "set_subscription", type="news", status="subscribed", legal_basis="consent", explanation=f"See {BLANK}"
    ),
    "summarise_record": step("s", "summarise_record", length="sentence", activities=True, focus=f"Of {BLANK}"),
    "unenroll_from_sequence": step("s", "unenroll_from_sequence", sequence="welcome"),
    "update_label": step("s", "update_label", of="company", label="old", new_label="employer", which="primary"),
    "value_branch": step(
        "s",
        "value_branch",
        [{"name": "A", "values": ["Sweden"], "steps": []}, {"name": "B", "steps": []}],
        property="country",
    ),
}
#: Those whose example has the records wait.
WAITING = {
    "ask_ai", "custom_code", "delay", "delay_until_date", "delay_until_event", "delay_until_time",
    "delay_until_weekday", "enrich_record", "fill_property", "research", "research_company", "send_webhook",
    "summarise_record",
}  # fmt: skip
#: Those that need no setting at all.
COMPLETE = {"unenroll_from_sequence"}
#: The workflows that go_to_workflow and for_each_associated enroll in.
TARGETS = {"contact": 900_001, "deal": 900_002}
EXAMPLES["go_to_workflow"] = step("s", "go_to_workflow", workflow=str(TARGETS["contact"]))
EXAMPLES["for_each_associated"] = step(
    "s", "for_each_associated", association="deal", workflow=str(TARGETS["deal"]), limit=5
)
GO_TO = [
    step("split", "branch", [
        {"name": "A", "criteria": IS_SWEDISH, "steps": [step("s", "go_to", step="x")]},
        {"name": "B", "steps": [step("x", "end")]},
    ])
]  # fmt: skip


def steps_for(slug):
    return GO_TO if slug == "go_to" else [EXAMPLES[slug]]


def context_for(slug, **params):
    document = {"format": 1, "object": "contact", "steps": steps_for(slug)}
    found = parsing.parse(document)
    return StepContext(found, found.by_id["s"])


@pytest.fixture(autouse=True)
def targets(db):
    for object_type, pk in TARGETS.items():
        made = make_workflow([step("t", "end")], object_type)
        Workflow.objects.create(pk=pk, name="Target", object_type=object_type, status="on", live=made.live)


@pytest.fixture(autouse=True)
def named(db):
    """What the examples name."""
    news = SubscriptionType.objects.create(slug="news", name="News")
    EmailTemplate.objects.create(
        slug="welcome", name="Welcome", subject=f"On {BLANK}", type=news,
        body=f'<p>{BLANK} <a href="https://example.com/{{{{ contact.country }}}}">Go</a></p>',
    )  # fmt: skip
    care = SubscriptionType.objects.create(slug="care", name="Care", purpose="service")
    Survey.objects.create(slug="nps", name="NPS", type=care, subject=f"On {BLANK}", message=BLANK)
    Audience.objects.create(slug="visitors", name="Visitors")
    Sequence.objects.create(slug="welcome", name="Welcome", subscription=news).steps.create(subject="Hi", body="I am")
    agent = Sequence.objects.create(slug="agent", name="Agent", subscription=news, is_agent=True)
    agent.steps.create(kind="written", body="Write to {{ contact.job_title }}")
    Inbox.objects.create(slug="support", name="Support")
    SubscriptionType.objects.create(slug="texts", name="Texts", channel="sms")
    SubscriptionType.objects.create(slug="chats", name="Chats", channel="whatsapp")
    facts = {"name": "SMS", "origin": "https://example.com", "auth": "basic", "auth_name": "AC1", "secret": "word"}
    connecting.create(facts, by=None, now=NOW)
    facts |= {"name": "Shop", "auth": "code"}
    connecting.create(facts, by=None, now=NOW)
    TaskQueue.objects.create(slug="inbound", name="Inbound")
    keeping.create(object_types["contact"], "VIP", now=NOW, slug="vip")
    model = Connection.objects.create(name="Model", slug="model", origin="https://models.example.com")
    AIProvider.objects.create(name="Model", slug="model", connection=model, model="m", is_default=True, searches=True)


@pytest.fixture
def people(db):
    users = [User.objects.create(username=name, email=f"{name}@example.com") for name in ("amy", "ben")]
    team = Team.objects.create(name="North", slug="north")
    for user in users:
        TeamMembership.objects.create(team=team, user=user, main=True)
    return users


def contacts(count, people):
    """Every third has no owner; half are Swedish; job titles are blank for some. They work for one company."""
    made = [
        contact.pk
        for contact in Contact.objects.bulk_create(
            Contact(
                email=f"c{i}@example.com",
                owner=people[i % 2] if i % 3 else None,
                country="Sweden" if i % 2 else "",
                job_title="Chef" if i % 5 == 0 else "",
                phone="(415) 555-2671" if i % 5 == 1 else "",
            )
            for i in range(count)
        )
    ]
    company = Company.objects.create(name="chef")
    associate("contact", "company", [(pk, company.pk) for pk in made[1:]], "old")
    return made


def run_with_count(slug, count, people):
    workflow = make_workflow(steps_for(slug))
    made = enroll(workflow, contacts(count, people))
    Enrollment.objects.filter(pk__in=[e.pk for e in made]).update(attempts=0)
    prepared.known.clear()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert run_due(NOW, limit=1_000) >= count
    Contact.objects.all().delete()
    return made, len(captured)


def test_every_action_has_an_example_here():
    assert {*EXAMPLES, "go_to"} == set(actions)


@pytest.mark.parametrize("slug", sorted(actions))
def test_it_needs_as_many_queries_for_500_records_as_for_a_few_and_no_fewer_than_for_one(slug, people):
    _one, queries_of_one = run_with_count(slug, 1, people)
    _few, queries_of_few = run_with_count(slug, 2 if slug == "go_to" else 4, people)
    many, queries_of_many = run_with_count(slug, 500, people)
    assert queries_of_one <= queries_of_few == queries_of_many
    lines = StepExecution.objects.filter(enrollment__in=many, step="s")
    assert lines.exclude(outcome="failed").count() == lines.count() == (250 if slug == "go_to" else 500)


@pytest.mark.parametrize("slug", sorted(actions))
def test_it_answers_alone_and_for_a_deleted_record(slug, people):
    ids = contacts(2, people)
    made = enroll(make_workflow(steps_for(slug)), ids)
    Contact.objects.filter(pk=ids[0]).update(deleted_at=NOW)
    run_due(NOW)
    ends = [Enrollment.objects.get(pk=enrollment.pk) for enrollment in made]
    assert ends[0].ended_reason == "record_deleted"
    assert ends[1].status == ("active" if slug in WAITING else "completed")
    assert StepExecution.objects.filter(enrollment=made[1], step="s").exclude(outcome="failed").count() == 1


@pytest.mark.parametrize("slug", sorted(actions))
def test_its_params_survive_the_form_the_page_and_json(slug, people):
    context = context_for(slug)
    document = context.step.params
    form = actions[slug].Params(document=document, context=context)
    assert form.is_valid(), form.errors
    assert json.loads(json.dumps(form.document())) == document
    assert actions[slug].problems(document, context) == []
    html = form.as_div()
    for text in ("<script", " style=", "onclick"):
        assert text not in html
    assert actions[slug].Params.schema(context)["additionalProperties"] is False
    json.dumps(actions[slug].Params.schema(context), default=str)
    # The page shows every value in its control, and posting it back makes the same document.
    posted = actions[slug].Params(posted_data(form), context=context)
    assert posted.is_valid(), posted.errors
    assert posted.document() == document


def posted_data(form):
    """What a browser would send for the page of a form."""
    from html.parser import HTMLParser

    from django.http import QueryDict

    data, state = QueryDict(mutable=True), {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found = dict(attributes)
            if tag == "input" and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
                data.appendlist(found["name"], found.get("value", "on" if found["type"] == "checkbox" else ""))
            elif tag in ("select", "textarea"):
                state.update(name=found["name"], text="" if tag == "textarea" else None)
            elif tag == "option" and "selected" in found:
                data.appendlist(state["name"], found["value"])

        def handle_data(self, text):
            if state.get("text") is not None:
                state["text"] += text

        def handle_endtag(self, tag):
            if tag == "textarea":
                data.appendlist(state["name"], state["text"].removeprefix("\n").strip("\n"))
            if tag in ("select", "textarea"):
                state.clear()

    Reader().feed(form.as_div())
    return data


@pytest.mark.parametrize("slug", sorted(actions))
def test_it_describes_and_tells_also_what_is_unfinished_or_gone(slug, people):
    context = context_for(slug)
    action = actions[slug]
    finished = action.describe(context.step.params, context)
    assert finished and "%(" not in finished
    for broken in (
        {},
        *(dict.fromkeys(action.Params.base_fields, junk) for junk in (None, "<b>x", 5, ["x"], {"a": 1})),
    ):
        assert "%(" not in action.describe(broken, context)
        if action.Params.base_fields and not broken and slug not in COMPLETE:
            assert action.problems(broken, context)
    made = enroll(make_workflow(steps_for(slug)), contacts(3, people))
    run_due(NOW)
    lines = list(StepExecution.objects.filter(enrollment__in=made, step="s"))
    told = [action.tell(line.detail, line.outcome, context) for line in lines]
    assert told and all(told)
    Contact.objects.all().delete()
    User.objects.all().delete()
    for line in lines:
        hostile = {
            key: "<script>alert(1)</script>" if isinstance(value, str) and key not in ("until", "due") else value
            for key, value in line.detail.items()
        }
        again = action.tell(hostile, line.outcome, context)
        assert again and "<script>" not in again
    for outcome in ("success", "skipped", "failed", "waiting"):
        assert "<script>" not in str(action.tell({"reason": "<script>"}, outcome, context))
        assert action.tell({}, outcome, context)
        assert escape(action.tell({"reason": "unexpected"}, outcome, context))
