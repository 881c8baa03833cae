"""Events: what happened to records, their queue, and the event types an installation has added."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from records.event_types.base import EventType, event_types
from records.event_types.known import from_elsewhere
from records.models.property_definition import SLUG, type_choices
from records.properties import Option, Property

SLUG_LENGTH = 50


class Event(models.Model):
    """Something happened to one record. Append-only.

    `properties` holds facts by slug, stored like custom properties. `key` is the sender's own id of the occurrence:
    unique per event type (EventKey). `source` says what caused it, as in the journal. The table is partitioned by
    month of `occurred_at` (see records.partitions), so its database key is (id, occurred_at).
    """

    id = models.BigAutoField(primary_key=True)
    event = models.CharField(max_length=SLUG_LENGTH)
    object_type = models.CharField(max_length=50)
    record_id = models.BigIntegerField()
    properties = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    key = models.CharField(max_length=255, null=True)
    source = models.JSONField(null=True)
    depth = models.SmallIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "records_event"
        verbose_name = _("event")
        verbose_name_plural = _("events")


class EventKey(models.Model):
    """An occurrence with this id of its sender has been recorded: unique, as no partitioned table can be."""

    id = models.BigAutoField(primary_key=True)
    event = models.CharField(max_length=SLUG_LENGTH)
    key = models.CharField(max_length=255)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event", "key"), name="one_event_per_key"),)


class PendingEvent(models.Model):
    """An event the dispatcher has not looked at yet; narrow, deleted in the transaction that enrolls."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField()
    event = models.CharField(max_length=SLUG_LENGTH)
    object_type = models.CharField(max_length=50)
    record_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    source = models.JSONField(null=True)
    depth = models.SmallIntegerField(default=0)
    at = models.DateTimeField()


class CustomEventType(models.Model):
    """An event type an installation has added (EVT-27)."""

    slug = models.CharField(_("internal name"), max_length=SLUG_LENGTH, unique=True, validators=[SLUG])
    label = models.CharField(_("label"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    object_type = models.CharField(_("happens to"), max_length=50)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("custom event")
        verbose_name_plural = _("custom events")
        ordering = ("label",)

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if self.slug in event_types or from_elsewhere(self.slug) is not None:
            message = _now("There already is an event “%(slug)s”. Choose another internal name.")
            raise ValidationError({"slug": message % {"slug": self.slug}})

    def as_event_type(self) -> EventType:
        return EventType(
            self.slug,
            self.label,
            _("Custom events"),
            (self.object_type,),
            tuple(prop.as_property() for prop in self.properties.all()),
            self.description,
            custom=True,
        )


class CustomEventProperty(models.Model):
    """A typed fact of a custom event."""

    event_type = models.ForeignKey(CustomEventType, on_delete=models.CASCADE, related_name="properties")
    slug = models.CharField(_("internal name"), max_length=63, validators=[SLUG])
    label = models.CharField(_("label"), max_length=120)
    type = models.CharField(_("type"), max_length=30, choices=type_choices)
    options = models.JSONField(_("options"), default=list, blank=True)
    required = models.BooleanField(_("required"), default=False)

    class Meta:
        verbose_name = _("property of the event")
        verbose_name_plural = _("properties of the event")
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("event_type", "slug"), name="one_event_property_per_slug"),)

    def __str__(self) -> str:
        return self.label

    def as_property(self) -> Property:
        return Property(
            slug=self.slug,
            label=self.label,
            type=self.type,
            options_source=tuple(Option(option["value"], option["label"]) for option in self.options),
            required=self.required,
        )
