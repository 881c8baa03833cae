"""Custom properties: the ones an installation adds to an object type."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from records.properties import Option, Property
from records.property_types import property_types

SLUG = RegexValidator(
    r"^[a-z][a-z0-9_]{0,62}$", _("Start with a letter; use small letters, digits and underscores only.")
)


def type_choices() -> list[tuple[str, object]]:
    return [(kind.slug, kind.label) for kind in property_types.values()]


class PropertyDefinition(models.Model):
    """A property an installation has added; its values live in the records' `custom` JSONB."""

    object_type = models.CharField(_("object type"), max_length=50)
    slug = models.CharField(_("internal name"), max_length=63, validators=[SLUG])
    label = models.CharField(_("label"), max_length=120)
    type = models.CharField(_("type"), max_length=30, choices=type_choices)
    options = models.JSONField(_("options"), default=list, blank=True)
    description = models.TextField(_("description"), blank=True)
    required = models.BooleanField(_("required"), default=False)
    unique = models.BooleanField(_("unique"), default=False)
    sensitive = models.BooleanField(_("sensitive"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("custom property")
        verbose_name_plural = _("custom properties")
        ordering = ("object_type", "label")
        constraints = (models.UniqueConstraint(fields=("object_type", "slug"), name="one_custom_property_per_slug"),)

    def __str__(self) -> str:
        return self.label

    def as_property(self) -> Property:
        return Property(
            slug=self.slug,
            label=self.label,
            type=self.type,
            options_source=tuple(Option(option["value"], option["label"]) for option in self.options),
            required=self.required,
            unique=self.unique,
            sensitive=self.sensitive,
            description=self.description,
        )
