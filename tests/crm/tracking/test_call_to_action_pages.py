"""Calls to action and the tracking code in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from crm.models import CallToAction, CallToActionTally, User

pytestmark = pytest.mark.django_db
LIST = "admin:crm_calltoaction_changelist"


@pytest.fixture
def offer(db):
    return CallToAction.objects.create(
        slug="offer", name="Spring offer", text="Buy <now>", target="https://shop.test/"
    )


def test_a_call_to_action_is_made_and_gives_the_code_for_the_website(admin_page):
    facts = {"name": "Demo", "slug": "demo", "text": "Ask for a demo", "target": "https://example.com/demo"}
    admin_page.post(reverse("admin:crm_calltoaction_add"), facts)
    call = CallToAction.objects.get()
    page = admin_page.get(reverse("admin:crm_calltoaction_change", args=[call.pk]))
    code = page.context["embed_code"]
    assert code.startswith('<a href="http://testserver/t/') and 'data-headrace-cta="demo">Ask for a demo</a>' in code
    link = code.split('"')[1].removeprefix("http://testserver")
    assert admin_page.get(link)["Location"] == "https://example.com/demo"
    admin_page.post(
        reverse("admin:crm_calltoaction_change", args=[call.pk]),
        facts | {"target": "https://example.com/new", "slug": "x"},
    )
    assert admin_page.get(link)["Location"] == "https://example.com/new"
    refused = admin_page.post(
        reverse("admin:crm_calltoaction_add"), facts | {"name": "B", "target": "javascript:alert(1)"}
    )
    assert refused.status_code == 200 and CallToAction.objects.count() == 1


def test_the_list_shows_how_often_each_was_seen_and_clicked(admin_page, offer, django_assert_max_num_queries):
    CallToActionTally.objects.create(call_to_action=offer, views=2000, clicks=50)
    CallToAction.objects.create(slug="new", name="New", text="New", target="https://shop.test/")
    with django_assert_max_num_queries(20):
        shown = admin_page.get(reverse(LIST)).content.decode()
    assert "2,000" in shown and "2.5 %" in shown and "–" in shown
    page = admin_page.get(reverse("admin:crm_calltoaction_change", args=[offer.pk])).content.decode()
    assert "Buy &amp;lt;now&amp;gt;" in page.replace("&amp;amp;", "&amp;") or "&amp;lt;now" in page
    assert admin_page.post(reverse("admin:crm_calltoaction_delete", args=[offer.pk])).status_code == 403


def test_the_tracking_code_says_which_websites_may_tell(admin_page, settings):
    page = reverse("admin:crm_calltoaction_tracking_code")
    assert "No website may tell of its visitors yet" in admin_page.get(page).content.decode()
    settings.TRACKING_DOMAINS, settings.TRACKING_CONSENT_REQUIRED = [".example.com"], False
    shown = admin_page.get(page)
    assert ".example.com" in shown.content.decode() and 'data-consent="optional"' in shown.context["script_code"]
    assert "http://testserver/static/crm/headrace.js" in shown.context["script_code"]


def test_the_pages_are_for_those_who_may_see_calls_to_action(client, offer):
    seller = User.objects.create_user("sam", is_staff=True)
    client.force_login(seller)
    pages = [reverse(LIST), reverse("admin:crm_calltoaction_tracking_code")]
    assert [client.get(page).status_code for page in pages] == [403, 403]
    seller.user_permissions.add(Permission.objects.get(codename="view_calltoaction"))
    assert [client.get(page).status_code for page in pages] == [200, 200]
