"""The website: pages, calls to action, media, ads (EVT-06, EVT-14 to EVT-17), cookie consent (FLT-22)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.models import CallToAction
from crm.object_types.families import PRIVACY_CONSENT
from records.event_types import EventType, event_types
from records.event_types.base import fact
from records.properties import Option
from records.vocabulary import ListedIn

PAGES, CALLS, MEDIA = _("Page views"), _("Call-to-action"), _("Media")
ADS, PRIVACY = _("Ads"), _("Privacy consent")
PAGE = fact("page", _("Page"), "url")


def calls_to_action() -> list[Option]:
    return [Option(slug, name) for slug, name in CallToAction.objects.values_list("slug", "name")]


#: `cta` is the name, also of those of other tools; Headrace's own are chosen from a list.
CTA = (
    fact("cta", _("Name of the call to action"), required=True),
    fact(
        "call_to_action", _("Call to action"), "select", options_source=ListedIn(calls_to_action, CallToAction),
    ),
    PAGE,
)  # fmt: skip
#: What of an ad it was that somebody interacted with (FLT-39).
ENTITIES = (
    Option("campaign", _("Campaign")), Option("ad_group", _("Ad group")), Option("ad", _("Ad")),
    Option("keyword", _("Keyword")), Option("lead_form", _("Lead form")),
)  # fmt: skip
AD_KINDS = (
    Option("click", _("Clicked the ad")), Option("lead_form", _("Filled in the ad's form")),
    Option("view", _("Saw it")),
)  # fmt: skip
NETWORKS = (
    Option("google", "Google"), Option("facebook", "Facebook"), Option("linkedin", "LinkedIn"),
    Option("microsoft", "Microsoft"), Option("other", _("Other")),
)  # fmt: skip
CONSENT = (Option("accepted", _("Accepted")), Option("declined", _("Declined")), Option("revoked", _("Revoked")))
TYPES = (
    EventType(
        "page_viewed", _("Page viewed"), PAGES, ("contact",),
        (
            fact("url", _("Web address"), "url", required=True), fact("title", _("Title")),
            fact("referrer", _("Came from"), "url"), fact("campaign", _("Campaign")), fact("source", _("Source")),
            fact("medium", _("Medium")), fact("term", _("Search term")), fact("content", _("Content")),
            fact("path", _("Path")),
        ),
        _("The contact has visited a page. Opening a file is no visit of a page."),
        spec=("EVT-06", "FLT-31", "TRG-14"), sentence=_("Viewed the page “%(title)s”"),
    ),
    EventType(
        "cta_viewed", _("Call to action seen"), CALLS, ("contact",), CTA, spec=("EVT-15", "FLT-35"),
        sentence=_("Saw the call to action “%(cta)s”"),
    ),
    EventType(
        "cta_clicked", _("Call to action clicked"), CALLS, ("contact",), CTA, spec=("EVT-16", "FLT-35"),
        sentence=_("Clicked the call to action “%(cta)s”"),
    ),
    EventType(
        "media_played", _("Media played"), MEDIA, ("contact",),
        (
            fact("media", _("Media"), required=True), PAGE, fact("seconds", _("Seconds played"), "number"),
            fact("percent", _("Part played (%)"), "number"),
        ),
        spec=("EVT-17",), sentence=_("Played “%(media)s”"),
    ),
    EventType(
        "ad_interacted", _("Ad interaction"), ADS, ("contact",),
        (
            fact("network", _("Ad network"), "select", options_source=NETWORKS, required=True),
            fact("kind", _("What the contact did"), "select", options_source=AD_KINDS),
            fact("campaign", _("Campaign")), fact("ad", _("Ad")),
            fact("entity", _("Kind of ad entity"), "select", options_source=ENTITIES),
            fact("search_term", _("Search term")), fact("click_id", _("Click id")),
        ),
        spec=("EVT-14", "FLT-39"),
    ),
    EventType(
        "cookie_consent_given", _("Cookie consent answered"), PRIVACY, ("contact",),
        (fact("consent", _("Answer"), "select", options_source=CONSENT, required=True), PAGE),
        spec=("FLT-22",), sentence=_("Answered the cookie banner: %(consent)s"),
        never_again=PRIVACY_CONSENT,
    ),
)  # fmt: skip

for event_type in TYPES:
    event_types.register(event_type)
