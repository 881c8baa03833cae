"""What trackers and other systems tell, in filters, triggers and timelines."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.urls import reverse

from crm.models import CallToAction, Contact
from records import criteria
from records.clock import database_now
from records.criteria.leaves import leaf_kinds
from records.criteria.parsing import parse
from records.event_types import event_type
from records.happening import Occurrence, happen
from records.ingesting import Sent, ingest
from records.models import CustomEventType
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.intake.test_event_triggers import inside, on, run
from workflows.history.event_stories import details_of, sentence_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db):
    return Contact.objects.create(email="ann@example.com")


def tell(contact: Contact, event: str, ago: int = 0, **facts: Any) -> None:
    at = database_now() - dt.timedelta(days=ago)
    happen(event, "contact", [Occurrence(contact.pk, facts, at)], now=database_now())


def meets(contact: Contact, event: str, *where: dict[str, Any], operator: str = "has_occurred", **more: Any) -> bool:
    document = {"all": [{"event": event, "operator": operator, "where": list(where), **more}]}
    return (
        criteria.compile(document, object_types["contact"], now=database_now())
        .records()
        .filter(pk=contact.pk)
        .exists()
    )


@pytest.mark.covers("FLT-31")
def test_page_views_are_filtered_by_address_and_refined_by_date_or_count(ann):
    tell(ann, "page_viewed", ago=10, url="https://example.com/pricing?a=1")
    tell(ann, "page_viewed", ago=1, url="https://example.com/blog/one")

    def url(operator: str, *value: str) -> dict[str, Any]:
        return {"property": "url", "operator": operator, "value": list(value)}

    assert meets(ann, "page_viewed", url("contains_any_of", "/pricing"))
    assert meets(ann, "page_viewed", url("starts_with_any_of", "https://example.com/blog"))
    assert meets(ann, "page_viewed", url("is_equal_to_any_of", "https://example.com/blog/one"))
    assert not meets(ann, "page_viewed", url("is_equal_to_any_of", "https://example.com/blog"))
    assert not meets(ann, "page_viewed", url("contains_any_of", "/pricing"), refine={"within": {"days": 5}})
    assert meets(ann, "page_viewed", refine={"count": {"at_least": 2, "at_most": 2}})
    assert not meets(ann, "page_viewed", refine={"count": {"at_least": 3}})
    assert meets(ann, "page_viewed", url("contains_any_of", "/jobs"), operator="has_not_occurred")


@pytest.mark.covers("FLT-35")
def test_calls_to_action_are_chosen_by_name_seen_or_not_clicked_or_not(ann):
    CallToAction.objects.create(slug="spring", name="Spring offer", text="Buy", target="https://example.com/")
    CallToAction.objects.create(slug="other", name="Other", text="Look", target="https://example.com/")
    tell(ann, "cta_viewed", ago=3, cta="Spring offer", call_to_action="spring")
    tell(ann, "cta_viewed", cta="Spring offer", call_to_action="spring")

    def one(slug: str) -> dict[str, Any]:
        return {"property": "call_to_action", "operator": "is_any_of", "value": [slug]}

    assert meets(ann, "cta_viewed", one("spring"))
    assert not meets(ann, "cta_viewed", one("other"))
    assert meets(ann, "cta_viewed", one("other"), operator="has_not_occurred")
    assert meets(ann, "cta_clicked", one("spring"), operator="has_not_occurred")
    assert meets(ann, "cta_viewed", one("spring"), refine={"count": {"at_least": 2}})
    assert not meets(ann, "cta_viewed", one("spring"), refine={"before": "2020-01-01"})
    tell(ann, "cta_clicked", cta="Spring offer", call_to_action="spring")
    assert meets(ann, "cta_clicked", one("spring"))


@pytest.mark.covers("FLT-35")
def test_the_filter_on_calls_to_action_asks_for_one_by_name_or_for_any(ann):
    contacts = object_types["contact"]
    kind = leaf_kinds["call_to_action"]
    assert kind.choices(contacts) == []
    CallToAction.objects.create(slug="spring", name="Spring offer", text="Buy", target="https://example.com/")
    CallToAction.objects.create(slug="other", name="Other", text="Look", target="https://example.com/")
    assert [value for value, _label in kind.choices(contacts)] == ["*", "other", "spring"]
    for _time in range(2):
        tell(ann, "cta_viewed", ago=3, cta="Spring offer", call_to_action="spring")

    def asked(slug: str, operator: str, **more: Any) -> bool:
        document = {"all": [{"call_to_action": slug, "operator": operator, **more}]}
        return criteria.compile(document, contacts, now=database_now()).records().exists()

    expected = {"was_seen": (True, False, True), "was_not_seen": (False, True, False)}
    expected |= {"was_clicked": (False, False, False), "was_not_clicked": (True, True, True)}
    for operator, answers in expected.items():
        assert tuple(asked(slug, operator) for slug in ("spring", "other", "*")) == answers
    assert asked("spring", "was_seen", refine={"count": {"at_least": 2}})
    assert not asked("spring", "was_seen", refine={"within": {"days": 2}})
    faults = {
        "There is no call to action 'gone'": {"call_to_action": "gone", "operator": "was_seen"},
        "takes no refinement": {
            "call_to_action": "spring",
            "operator": "was_not_seen",
            "refine": {"within": {"days": 1}},
        },
        "cannot be filtered with the operator": {"call_to_action": "spring", "operator": []},
    }
    for sentence, document in faults.items():
        with pytest.raises(DocumentError, match=sentence):
            parse({"all": [document]}, contacts)
    told = {"call_to_action": "spring", "operator": "was_seen", "refine": {"within": {"days": 7}}}
    sentence = criteria.compile({"all": [told]}, contacts, now=database_now()).text
    assert sentence == "has seen the call to action “Spring offer” in the last 7 days"


@pytest.mark.covers("FLT-32")
def test_an_event_of_ones_own_is_completed_or_not_and_refined_by_date_or_count(ann):
    CustomEventType.objects.create(slug="trial_started", label="Trial started", object_type="contact")
    assert not meets(ann, "trial_started") and meets(ann, "trial_started", operator="has_not_occurred")
    tell(ann, "trial_started", ago=10)
    assert meets(ann, "trial_started") and meets(ann, "trial_started", refine={"count": {"at_least": 1, "at_most": 1}})
    assert not meets(ann, "trial_started", refine={"within": {"days": 9}})


@pytest.mark.covers("FLT-39", "EVT-14")
def test_ad_interactions_come_by_api_and_are_filtered_by_network_entity_term_and_time(ann):
    facts = {"network": "google", "kind": "click", "entity": "keyword", "search_term": "crm open source"}
    sent = Sent("ad_interacted", "contact", {"email": "ann@example.com"}, facts, key="g-1")
    workflow = on(
        {"event": "ad_interacted", "where": [{"property": "kind", "operator": "is_any_of", "value": ["click"]}]}
    )
    assert [one.status for one in ingest([sent, sent], now=database_now())] == ["recorded", "repeated"]
    run()
    assert inside(workflow) == {ann.pk}
    network = {"property": "network", "operator": "is_any_of", "value": ["google"]}
    entity = {"property": "entity", "operator": "is_any_of", "value": ["keyword"]}
    term = {"property": "search_term", "operator": "contains_any_of", "value": ["open source"]}
    assert meets(ann, "ad_interacted", network, entity, term, refine={"within": {"days": 1}})
    assert not meets(ann, "ad_interacted", network | {"value": ["linkedin"]})


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        pytest.param("sms_sent", {"message": "Hi"}, marks=pytest.mark.covers("EVT-32")),
        pytest.param("sms_delivered", {"message": "Hi"}, marks=pytest.mark.covers("EVT-33")),
        pytest.param("sms_clicked", {"message": "Hi", "link": "https://a.test/"}, marks=pytest.mark.covers("EVT-34")),
        pytest.param("marketing_event_registered", {"name": "Fair"}, marks=pytest.mark.covers("EVT-38", "FLT-41")),
        pytest.param("marketing_event_cancelled", {"name": "Fair"}, marks=pytest.mark.covers("EVT-39")),
        pytest.param("marketing_event_attended", {"name": "Fair"}, marks=pytest.mark.covers("FLT-41")),
        pytest.param(
            "survey_answered",
            {"survey": "NPS", "question": "Why?", "answer": "Fast"},
            marks=pytest.mark.covers("FLT-41"),
        ),
        pytest.param("media_played", {"media": "Tour"}, marks=pytest.mark.covers("EVT-17")),
        pytest.param("cta_viewed", {"cta": "Buy"}, marks=pytest.mark.covers("EVT-15")),
        pytest.param("cta_clicked", {"cta": "Buy"}, marks=pytest.mark.covers("EVT-16")),
        pytest.param("email_sent", {"email": "May"}, marks=pytest.mark.covers("EVT-07")),
        pytest.param("email_delivered", {"email": "May"}, marks=pytest.mark.covers("EVT-08")),
        pytest.param("email_opened", {"email": "May"}, marks=pytest.mark.covers("EVT-09")),
        pytest.param("email_clicked", {"email": "May"}, marks=pytest.mark.covers("EVT-10")),
        pytest.param("email_replied", {"email": "May"}, marks=pytest.mark.covers("EVT-11")),
        pytest.param("email_bounced", {"email": "May", "bounce": "hard"}, marks=pytest.mark.covers("EVT-12")),
    ],
)
def test_what_other_systems_tell_enrolls_and_is_filtered_by_its_properties(ann, event, facts):
    name, value = next(iter(facts.items()))
    only = {"property": name, "operator": "is_equal_to_any_of", "value": [value]}
    workflow = on({"event": event, "where": [only]})
    other = Contact.objects.create(email="ben@example.com")
    ingest([Sent(event, "contact", {"email": "ann@example.com"}, facts)], now=database_now())
    ingest([Sent(event, "contact", {"email": "ben@example.com"}, facts | {name: "Else"})], now=database_now())
    run()
    assert inside(workflow) == {ann.pk}
    assert meets(ann, event, only) and not meets(other, event, only)


@pytest.mark.covers("EVT-07")
def test_an_email_sent_to_many_at_once_counts_in_filters_and_triggers_nothing(ann):
    workflow = on({"event": "email_opened"})
    tell(ann, "email_opened", email="May", kind="batch")
    run()
    assert inside(workflow) == set()
    assert meets(ann, "email_opened")
    tell(ann, "email_opened", email="May", kind="automated")
    run()
    assert inside(workflow) == {ann.pk}


def test_an_event_is_told_in_a_sentence_and_what_it_leaves_out_below():
    kind = event_type("page_viewed")
    facts = {"title": "Pricing", "url": "https://example.com/pricing"}
    assert sentence_of(kind, "page_viewed", facts) == "Viewed the page “Pricing”"
    assert details_of(kind, facts) == "Web address: https://example.com/pricing"
    bare = {"url": "https://example.com/%(a)s"}
    assert sentence_of(kind, "page_viewed", bare) == "Page viewed"
    assert details_of(kind, bare) == "Web address: https://example.com/%(a)s"
    assert sentence_of(None, "gone", {}) == "gone"


def test_the_timeline_of_a_contact_shows_what_it_has_done(admin_page, ann):
    tell(ann, "page_viewed", url="https://example.com/", title="<b>Home</b>")
    tell(ann, "email_clicked", email="May", link="https://example.com/a")
    shown = admin_page.get(reverse("admin:crm_contact_change", args=[ann.pk])).content.decode()
    assert "Viewed the page “&lt;b&gt;Home&lt;/b&gt;”" in shown
    assert "Clicked a link in the email “May”" in shown and "https://example.com/a" in shown
    assert "Where the contact came from" in shown and "Google Ads click id" in shown
