"""Users and teams."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from timezone_field import TimeZoneField


class User(AbstractUser):
    """A person who works in the CRM; owns records, gets tasks and notifications."""

    time_zone = TimeZoneField(_("time zone"), default="UTC")
    away = models.BooleanField(_("away"), default=False, help_text=_("Rotation skips people who are away."))
    ticket_capacity = models.PositiveIntegerField(
        _("open tickets at most"),
        null=True,
        blank=True,
        help_text=_("Rotation gives nobody more tickets than that. Leave it empty for no limit."),
    )

    class Meta(AbstractUser.Meta):
        abstract = False

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Team(models.Model):
    """A group of users; a user has one main team and any number of extra ones."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(_("internal name"), max_length=120, unique=True)
    manager = models.CharField(_("manager"), max_length=120, blank=True)
    region = models.CharField(_("region"), max_length=120, blank=True)
    members: models.ManyToManyField = models.ManyToManyField(User, through="TeamMembership", related_name="teams")

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class TeamMembership(models.Model):
    """A user in a team: as a main member (notified, COM-08) or as an extra one."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    main = models.BooleanField(_("main member"), default=True)

    class Meta:
        verbose_name = _("team membership")
        verbose_name_plural = _("team memberships")
        constraints = (
            models.UniqueConstraint(fields=("team", "user"), name="once_per_team"),
            models.UniqueConstraint(fields=("user",), condition=models.Q(main=True), name="one_main_team"),
        )

    def __str__(self) -> str:
        return f"{self.user} – {self.team}"
