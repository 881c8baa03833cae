"""What contacts subscribe to: kept with its history, set on the page, by the API and by workflows, and filtered by."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from crm.models import Company, Contact, Deal, Subscription, SubscriptionChange, SubscriptionType
from crm.subscribing import Wish, set_status
from records import criteria, segments
from records.associations import associate
from records.clock import database_now
from records.criteria.catalog import catalog
from records.models import Change, Event, PendingChange
from records.object_types import object_types
from records.problems import DocumentError
from tests.api.conftest import client_of
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows import drafting
from workflows.definitions import checking, parsing
from workflows.engine.taking_steps import run_due
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext

pytestmark = pytest.mark.django_db
IS_SUBSCRIBED = {"subscription": "news", "operator": "is_subscribed"}


@pytest.fixture
def news(db: None) -> SubscriptionType:
    return SubscriptionType.objects.create(slug="news", name="Newsletter", purpose="marketing")


@pytest.fixture
def ann(news: SubscriptionType) -> Contact:
    return Contact.objects.create(email="ann@example.com", first_name="Ann")


def say(contact: Contact, status: str, **facts: Any) -> dict[int, str]:
    wish = Wish(SubscriptionType.objects.get(slug="news"), status, **facts)
    return set_status([contact.pk], wish, source="admin", now=database_now())


def status_of(contact: Contact) -> list[tuple[str, str, str]]:
    return list(Subscription.objects.filter(contact=contact).values_list("status", "legal_basis", "explanation"))


def matching(document: dict[str, Any], slug: str = "contact") -> set[int]:
    kind = object_types[slug]
    found = criteria.compile(document, kind, now=NOW)
    return set(kind.records().filter(found.q).values_list("pk", flat=True))


def test_what_is_said_is_kept_with_its_history(ann: Contact) -> None:
    assert say(ann, "subscribed", legal_basis="consent", explanation="At the fair") == {ann.pk: "not_specified"}
    assert say(ann, "subscribed") == {}, "nothing new was said"
    assert say(ann, "subscribed", legal_basis="contract") == {ann.pk: "subscribed"}
    assert say(ann, "unsubscribed", explanation="By phone") == {ann.pk: "subscribed"}
    assert status_of(ann) == [("unsubscribed", "", "By phone")]
    kept = SubscriptionChange.objects.filter(contact=ann).order_by("id")
    assert list(kept.values_list("status", "legal_basis")) == [
        ("subscribed", "consent"), ("subscribed", "contract"), ("unsubscribed", ""),
    ]  # fmt: skip


def test_what_is_said_again_keeps_the_basis_and_the_explanation_it_is_said_without(ann: Contact) -> None:
    say(ann, "subscribed", legal_basis="consent", explanation="At the fair")
    say(ann, "subscribed", explanation="By phone")
    assert status_of(ann) == [("subscribed", "consent", "By phone")]
    say(ann, "subscribed", legal_basis="contract")
    assert status_of(ann) == [("subscribed", "contract", "By phone")]
    kept = SubscriptionChange.objects.filter(contact=ann).order_by("id")
    assert list(kept.values_list("legal_basis", "explanation")) == [
        ("consent", "At the fair"), ("consent", "By phone"), ("contract", "By phone"),
    ]  # fmt: skip


def test_not_specified_is_no_news_for_somebody_nobody_has_said_anything_about(ann: Contact) -> None:
    assert say(ann, "not_specified") == {}
    assert not Subscription.objects.exists() and not SubscriptionChange.objects.exists()


def test_whoever_writes_a_status_changes_the_contact_in_the_journal(ann: Contact) -> None:
    ben = Contact.objects.create(email="ben@example.com")
    say(ann, "subscribed")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_subscription SET status = 'unsubscribed'")
        cursor.execute("UPDATE crm_subscription SET explanation = 'No change of the status'")
        cursor.execute("UPDATE crm_subscription SET contact_id = %s", [ben.pk])
        cursor.execute("DELETE FROM crm_subscription")
    rows = Change.objects.filter(object_type="contact", kind="updated").order_by("id")
    told = [(row.record_id, row.before["subscription:news"], row.after["subscription:news"]) for row in rows]
    assert told == [
        (ann.pk, "not_specified", "subscribed"),
        (ann.pk, "subscribed", "unsubscribed"),
        (ann.pk, "unsubscribed", "not_specified"),
        (ben.pk, "not_specified", "unsubscribed"),
        (ben.pk, "unsubscribed", "not_specified"),
    ]
    assert PendingChange.objects.filter(properties=["subscription:news"]).count() == 5


# On the contact's page


def test_the_page_shows_and_changes_a_status_and_its_timeline_tells_of_it(admin_page: Any, ann: Contact) -> None:
    page = f"/admin/crm/contact/{ann.pk}/change/"
    assert "Not specified" in admin_page.get(page).content.decode()
    sent = {"type": "news", "status": "subscribed", "legal_basis": "consent", "explanation": "<b>At the fair</b>"}
    reply = admin_page.post(f"/admin/crm/contact/{ann.pk}/subscription/", sent, follow=True)
    html = reply.content.decode()
    assert "Newsletter: Subscribed." in html and "&lt;b&gt;At the fair&lt;/b&gt;" in html
    assert "was changed from <strong>Not specified</strong> to <strong>Subscribed</strong>" in html
    assert "by Ada Boss" in html
    assert Subscription.objects.get().source == "admin"


def test_a_refused_change_shows_what_was_sent_and_why_it_was_refused(admin_page: Any, ann: Contact) -> None:
    sent = {"type": "news", "status": "subscribed", "legal_basis": "", "explanation": "Said so on the phone"}
    html = admin_page.post(f"/admin/crm/contact/{ann.pk}/subscription/", sent).content.decode()
    assert "“Newsletter” needs a legal basis." in html and "Said so on the phone" in html
    nobody = Contact.objects.create(first_name="Nobody")
    html = admin_page.post(
        f"/admin/crm/contact/{nobody.pk}/subscription/", sent | {"legal_basis": "consent"}
    ).content.decode()
    assert "The contact has no email address." in html
    assert not Subscription.objects.exists()


def test_of_many_types_a_page_shows_a_few_and_the_others_on_request(admin_page: Any, ann: Contact) -> None:
    for number in range(12):
        SubscriptionType.objects.create(slug=f"extra-{number}", name=f"Extra {number}", channel="email")
    html = admin_page.get(f"/admin/crm/contact/{ann.pk}/change/").content.decode()
    more = SubscriptionType.objects.count() - 10
    shown = html.index(f"Show {more} more")
    assert html.index("Change Extra 0…") < shown < html.rindex("Change ")
    assert html.count(f'action="/admin/crm/contact/{ann.pk}/subscription/"') == more + 10


def test_who_may_not_change_contacts_changes_no_subscription(client: Any, seller: Any, ann: Contact) -> None:
    client.force_login(seller)
    sent = {"type": "news", "status": "unsubscribed"}
    assert client.post(f"/admin/crm/contact/{ann.pk}/subscription/", sent).status_code == 403
    assert not Subscription.objects.exists()


def test_a_type_in_use_keeps_its_internal_name_and_is_not_deleted(admin_page: Any, ann: Contact) -> None:
    say(ann, "unsubscribed")
    page = f"/admin/crm/subscriptiontype/{SubscriptionType.objects.get().pk}"
    html = admin_page.get(f"{page}/change/").content.decode()
    assert 'name="slug"' not in html and "deletelink" not in html
    assert admin_page.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    sent = {"name": "News", "channel": "email", "purpose": "sales", "slug": "other"}
    assert admin_page.post(f"{page}/change/", sent).status_code == 302
    kept = SubscriptionType.objects.get()
    assert (kept.slug, kept.name, kept.active) == ("news", "News", False)
    assert "Newsletter" not in admin_page.get("/admin/crm/subscriptiontype/").content.decode()


# Through the API


def test_the_api_shows_every_type_and_sets_those_it_is_sent(boss: Any, ann: Contact) -> None:
    SubscriptionType.objects.create(slug="texts", name="Text messages", channel="sms", needs_legal_basis=False)
    api, place = client_of(boss), f"contacts/{ann.pk}/subscriptions/"
    wish = {"type": "news", "status": "subscribed", "legal_basis": "consent", "explanation": "Form"}
    reply = api.send("PUT", place, {"subscriptions": [wish]})
    assert reply.status_code == 200, reply.document
    shown = {one["type"]: one for one in api.send("GET", place).document["results"]}
    assert wish.items() <= shown["news"].items() and shown["news"]["source"] == "api"
    assert shown["texts"]["status"] == "not_specified" and shown["texts"]["changed_at"] is None
    assert Change.objects.get(kind="updated").source["kind"] == "api"


@pytest.mark.parametrize(
    ("wish", "path", "words"),
    [
        ({"type": "news", "status": "subscribed"}, "legal_basis", "needs a legal basis"),
        ({"type": "old", "status": "subscribed", "legal_basis": "consent"}, "type", "not active any more"),
        ({"type": "texts", "status": "subscribed", "legal_basis": "consent"}, "status", "no mobile or phone number"),
        ({"type": "none", "status": "unsubscribed"}, "type", "There is no subscription type “none”. Use one of: news"),
        ({"type": "news", "status": "maybe"}, "status", "maybe"),
        ({"type": "news", "status": "unsubscribed", "extra": 1}, "extra", "Use: explanation, legal_basis"),
    ],
)
def test_the_api_refuses_all_when_one_cannot_be_set(boss: Any, ann: Contact, wish: Any, path: str, words: str) -> None:
    SubscriptionType.objects.create(slug="texts", name="Text messages", channel="sms")
    SubscriptionType.objects.create(slug="old", name="Old", active=False)
    good = (
        {"type": "texts", "status": "unsubscribed"}
        if wish["type"] != "texts"
        else {"type": "news", "status": "unsubscribed"}
    )
    reply = client_of(boss).send("PUT", f"contacts/{ann.pk}/subscriptions/", {"subscriptions": [good, wish]})
    assert reply.status_code == 400
    (fault,) = reply.document["errors"]
    assert fault["path"] == f"subscriptions.1.{path}" and words in fault["message"]
    assert not Subscription.objects.exists()


# As a filter


@pytest.mark.covers("FLT-28", "FLT-29")
def test_criteria_ask_for_each_status(ann: Contact) -> None:
    ben, cid = (Contact.objects.create(email=f"{name}@example.com") for name in ("ben", "cid"))
    say(ann, "subscribed")
    say(ben, "unsubscribed")
    found = {
        operator: matching({"all": [{"subscription": "news", "operator": operator}]})
        for operator in ("is_subscribed", "is_unsubscribed", "is_not_specified")
    }
    assert found == {"is_subscribed": {ann.pk}, "is_unsubscribed": {ben.pk}, "is_not_specified": {cid.pk}}
    say(ann, "not_specified")
    assert matching({"all": [{"subscription": "news", "operator": "is_not_specified"}]}) == {ann.pk, cid.pk}
    compiled = criteria.compile({"none": [IS_SUBSCRIBED]}, object_types["contact"], now=NOW)
    assert compiled.text == "NOT (is subscribed to “Newsletter”)"


@pytest.mark.parametrize(
    ("document", "slug", "path", "words"),
    [
        ({"subscription": "nix", "operator": "is_subscribed"}, "contact", "all.0.subscription", "Use one of: news"),
        ({"subscription": "news", "operator": "is"}, "contact", "all.0.operator", "Use one of: is_subscribed"),
        ({"subscription": ["news"], "operator": "is_subscribed"}, "contact", "all.0.subscription", "news"),
        ({"subscription": "news", "operator": "is_subscribed"}, "deal", "all.0", "Only contacts have subscriptions"),
        ({**IS_SUBSCRIBED, "value": 1}, "contact", "all.0.value", "not known here"),
    ],
)
def test_a_faulty_filter_is_told_with_its_place(news: Any, document: Any, slug: str, path: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        criteria.compile({"all": [document]}, object_types[slug], now=NOW)
    (problem,) = caught.value.problems
    assert problem.path == path and words in problem.message


def test_a_type_that_has_gone_matches_nobody_in_stored_criteria(ann: Contact, news: SubscriptionType) -> None:
    news.delete()
    compiled = criteria.compile({"all": [IS_SUBSCRIBED]}, object_types["contact"], now=NOW, stored=True)
    assert not Contact.objects.filter(compiled.q).exists()


def test_a_change_of_a_status_moves_contacts_and_those_they_belong_to_in_and_out_of_segments(ann: Contact) -> None:
    company = Company.objects.create(name="Acme")
    associate("company", "contact", [(company.pk, ann.pk)])
    kinds = {
        "contact": {"all": [IS_SUBSCRIBED]},
        "company": {"all": [{"association": "contact", "all": [IS_SUBSCRIBED]}]},
    }
    made = {slug: segments.create(document, object_types[slug], now=NOW) for slug, document in kinds.items()}
    for segment in made.values():
        assert segments.fill(segment, NOW) == 0
    PendingChange.objects.all().delete()
    say(ann, "subscribed")
    pending = list(PendingChange.objects.all())
    assert segments.affected(pending) == {made["contact"]: [ann.pk], made["company"]: [company.pk]}
    for slug, record in (("contact", ann), ("company", company)):
        assert segments.refresh(made[slug], [record.pk], NOW).joined == [record.pk]


def test_who_subscribes_is_enrolled_by_a_filter_trigger(boss: Any, ann: Contact) -> None:
    document = {
        "format": 1, "object": "contact", "trigger": {"kind": "filter", "criteria": {"all": [IS_SUBSCRIBED]}},
        "steps": [step("wait", "delay", days=2)],
    }  # fmt: skip
    workflow = drafting.create("Welcome", "contact", boss, definition=document)
    publishing.publish(workflow, by=boss, now=database_now(), enroll_existing=False)
    while dispatch(database_now()):
        pass
    assert not Enrollment.objects.exists()
    say(ann, "subscribed")
    while dispatch(database_now()):
        pass
    assert Enrollment.objects.get().record_id == ann.pk


# As an action


def problems(object_type: str, **params: Any) -> list[tuple[str, str]]:
    document = {
        "format": 1, "name": "X", "object": object_type, "trigger": {"kind": "manual"},
        "steps": [step("s", "set_subscription", **params)],
    }  # fmt: skip
    found = checking.errors(checking.problems(parsing.parse(document)))
    return [(problem.path, str(problem.message)) for problem in found]


@pytest.mark.covers("ACG-05", "ACG-10", "CRM-21")
def test_in_a_deals_workflow_it_works_on_the_contacts_that_were_chosen(ann: Contact) -> None:
    ben = Contact.objects.create(email="ben@example.com")
    eve = Contact.objects.create(email="eve@example.com")
    deals = [Deal.objects.create(name=name) for name in ("Two", "One", "None")]
    associate("deal", "contact", [(deals[0].pk, ann.pk)])
    associate("deal", "contact", [(deals[0].pk, ben.pk), (deals[1].pk, eve.pk)], "billing")
    text = "Bought {{ deal.name }}"
    steps = [
        step("all", "set_subscription", of="contact", label="billing", type="news", status="subscribed",
             legal_basis="contract", explanation=text),
        step("again", "set_subscription", of="contact", label="billing", type="news", status="subscribed"),
    ]  # fmt: skip
    SubscriptionType.objects.update(needs_legal_basis=False)
    made = enroll(make_workflow(steps, "deal"), [deal.pk for deal in deals])
    run_due(NOW)
    assert status_of(ann) == []
    assert status_of(ben) == [("subscribed", "contract", "Bought Two")]
    assert status_of(eve) == [("subscribed", "contract", "Bought One")]
    kept = Subscription.objects.get(contact=ben)
    assert (kept.source, kept.workflow_id, kept.changed_at) == ("workflow", made[0].workflow_id, NOW)
    found = parsing.parse({"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": steps})
    context = StepContext(found)
    told = [
        [actions["set_subscription"].tell(line.detail, line.outcome, context) for line in lines]
        for lines in (StepExecution.objects.filter(enrollment=one).order_by("id") for one in made)
    ]
    assert told == [
        ["Set the subscription “Newsletter” of 1 associated contact to: Subscribed",
         "The subscription was already like this."],
        ["Set the subscription “Newsletter” of 1 associated contact to: Subscribed",
         "The subscription was already like this."],
        ["The record has no associated contacts."] * 2,
    ]  # fmt: skip


@pytest.mark.covers("ACG-10")
def test_it_always_targets_a_contact(ann: Contact) -> None:
    wish = {"type": "news", "status": "unsubscribed"}
    assert problems("contact", **wish) == []
    for other in ("company", "deal", "ticket", "conversation", "task", "note"):
        assert problems(other, of="contact", **wish) == []
        ((path, message),) = problems(other, **wish)
        assert path == "steps.0.params.of" and "Choose associated records with “of”: contact." in message
    ((path, message),) = problems("deal", of="company", **wish)
    assert path == "steps.0.params.of" and "“company” is not an association" in message and "contact" in message


def test_publishing_asks_for_the_legal_basis_and_for_a_type_that_is_there(ann: Contact) -> None:
    assert problems("contact", type="news", status="subscribed") == [
        ("steps.0.params.legal_basis", "“Newsletter” needs a legal basis. Say on which one people are subscribed.")
    ]
    ((path, message),) = problems("contact", type="gone", status="subscribed", legal_basis="consent")
    assert path == "steps.0.params.type" and "gone" in message
    SubscriptionType.objects.update(active=False)
    ((path, message),) = problems("contact", type="news", status="subscribed", legal_basis="consent")
    assert path == "steps.0.params.type" and "not active any more" in message


def test_a_contact_without_an_address_is_not_subscribed_but_can_be_unsubscribed(ann: Contact) -> None:
    nobody = Contact.objects.create(first_name="Nobody")
    steps = [
        step("on", "set_subscription", type="news", status="subscribed", legal_basis="consent"),
        step("off", "set_subscription", type="news", status="unsubscribed"),
    ]
    (made,) = enroll(make_workflow(steps), [nobody.pk])
    run_due(NOW)
    lines = StepExecution.objects.filter(enrollment=made).order_by("id")
    assert [(line.outcome, line.detail.get("reason")) for line in lines] == [
        ("skipped", "no_address"), ("success", None),
    ]  # fmt: skip
    assert status_of(nobody) == [("unsubscribed", "", "")]


def test_a_workflow_that_sets_what_its_trigger_looks_at_is_warned_of(ann: Contact) -> None:
    document = {
        "format": 1, "name": "X", "object": "contact",
        "trigger": {"kind": "filter", "criteria": {"all": [IS_SUBSCRIBED]}, "reenroll": ["all.0"]},
        "steps": [step("s", "set_subscription", type="news", status="unsubscribed")],
    }  # fmt: skip
    found = [problem.code for problem in checking.problems(parsing.parse(document))]
    assert "own_trigger" in found


@pytest.mark.covers("EVT-13")
def test_opting_in_and_out_are_events(ann: Contact) -> None:
    say(ann, "subscribed", explanation="At the fair")
    say(ann, "subscribed", explanation="Said again")
    say(ann, "unsubscribed")
    say(ann, "not_specified")
    rows = Event.objects.filter(event="subscription_updated", object_type="contact", record_id=ann.pk).order_by("id")
    facts = {"subscription": "news", "channel": "email"}
    assert [row.properties for row in rows] == [
        {**facts, "state": "opted_in", "reason": "At the fair"}, {**facts, "state": "opted_out"},
    ]  # fmt: skip


def test_setting_many_takes_as_many_statements_as_setting_few(news: Any, django_assert_max_num_queries: Any) -> None:
    people = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com") for i in range(300))
    at = NOW - dt.timedelta(days=1)
    with django_assert_max_num_queries(8):
        changed = set_status([one.pk for one in people], Wish(news, "subscribed"), source="api", now=at)
    assert len(changed) == 300
    assert set(SubscriptionChange.objects.values_list("changed_at", flat=True)) == {at}


def test_the_builder_of_criteria_offers_subscriptions_for_contacts_only(news: Any) -> None:
    (kind,) = (one for one in catalog(object_types["contact"])["kinds"] if one["key"] == "subscription")
    assert kind["options"] == [{"value": "news", "label": "Newsletter", "category": "Subscriptions"}]
    assert [one["value"] for one in kind["operators"]] == ["is_subscribed", "is_unsubscribed", "is_not_specified"]
    assert "subscription" not in [one["key"] for one in catalog(object_types["deal"])["kinds"]]
