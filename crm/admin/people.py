"""Users and teams."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.admin.inlines import LabelledInline
from crm.admin.kept_in_use import KeptInUseAdmin
from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import Team, TeamMembership, User


class MembershipInline(LabelledInline):
    model = TeamMembership
    extra = 0
    autocomplete_fields = ("user",)


class TeamInline(LabelledInline):
    model = TeamMembership
    extra = 0
    verbose_name_plural = _("teams")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's user pages with time zone, absence and teams."""

    list_display = ("username", "full_name", "email", "main_team", "absence", "is_active", "last_login")
    list_filter = ("is_active", "away", "is_staff", "teams", "groups")
    inlines = (TeamInline,)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": (("first_name", "last_name"), "email", "time_zone", "away", "ticket_capacity")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("memberships__team")

    @admin.display(description=_("name"), ordering="first_name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=_("away"), ordering="away")
    def absence(self, user: User) -> str:
        return str(_("Away")) if user.away else "–"

    @admin.display(description=_("team"))
    def main_team(self, user: User) -> str:
        return next((str(one.team) for one in user.memberships.all() if one.main), "–")


@admin.register(Team)
class TeamAdmin(LastingSlugAdmin, KeptInUseAdmin):
    """A team that workflows name stays, and so does the internal name they hold it by."""

    thing = "team"
    list_display = ("name", "manager", "region", "number_of_members")
    search_fields = ("name", "manager", "region")
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(number=Count("memberships"))

    @admin.display(description=_("members"), ordering="number")
    def number_of_members(self, team: Any) -> int:
        return team.number
