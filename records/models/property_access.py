"""Who may see and change which property: rights of groups on single properties (PRM-05 to PRM-09)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _


class Access(models.IntegerChoices):
    """What may be done with a property; the greater, the more."""

    NONE = 0, _("None")
    VIEW = 1, _("View")
    EDIT = 2, _("Edit")


class PropertyAccess(models.Model):
    """What a group may do with a property; a property a group has no row of, it may edit."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+", related_query_name="property_access")
    object_type = models.CharField(_("object type"), max_length=50)
    property = models.CharField(_("property"), max_length=63)
    level = models.PositiveSmallIntegerField(_("right"), choices=Access)

    class Meta:
        verbose_name = _("property right")
        verbose_name_plural = _("property rights")
        constraints = (
            models.UniqueConstraint(fields=("group", "object_type", "property"), name="one_right_per_property"),
            models.CheckConstraint(condition=models.Q(level__in=(0, 1)), name="property_access_restricts"),
        )

    def __str__(self) -> str:
        return f"{self.group}: {self.object_type}.{self.property} = {self.get_level_display()}"


class PropertyAccessChange(models.Model):
    """One right that was given or taken: by whom, when, what it was before."""

    at = models.DateTimeField(_("time"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("user")
    )
    #: By name, which outlives the group.
    group = models.CharField(_("group"), max_length=150)
    object_type = models.CharField(_("object type"), max_length=50)
    property = models.CharField(_("property"), max_length=63)
    before = models.PositiveSmallIntegerField(_("before"), choices=Access)
    after = models.PositiveSmallIntegerField(_("after"), choices=Access)

    class Meta:
        verbose_name = _("change of a property right")
        verbose_name_plural = _("changes of property rights")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.group}: {self.object_type}.{self.property}"
