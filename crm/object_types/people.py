"""Contacts and companies."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.models import Company, Contact
from crm.object_types.columns import MONEY, columns
from crm.object_types.families import PRIVACY_CONSENT
from crm.object_types.links import links, sources
from records.object_types import register

#: What websites tell of a contact (FLT-22, FLT-36 to FLT-38).
GROUPS = (
    (_("Ads"), ("google_click_id", "facebook_click_id", "linkedin_click_id", "microsoft_click_id")),
    (
        _("Where the contact came from"),
        ("first_source", "first_medium", "first_campaign", "last_source", "last_medium", "last_campaign"),
    ),
    (_("Privacy consent"), ("cookie_consent",)),
)
CAME_FROM: dict[str, dict[str, Any]] = {name: {"group": group} for group, names in GROUPS for name in names}
CAME_FROM["cookie_consent"]["never_again"] = PRIVACY_CONSENT


def register_people() -> None:
    phone = {"type": "phone"}
    register(
        Contact, plural="contacts", icon="user", associates_with=links("contact"), blanks_match_negatives=True,
        name_property="email", named_by=("first_name", "last_name"), mergeable=True, one_primary=("company",),
        data_sources=sources("contact"),
        declared=columns(Contact, email={"unique": True}, phone=phone, mobile=phone, **CAME_FROM),
    )  # fmt: skip
    register(
        Company, plural="companies", icon="building", associates_with=links("company"), mergeable=True,
        data_sources=sources("company"),
        declared=columns(Company, annual_revenue=MONEY),
    )  # fmt: skip
