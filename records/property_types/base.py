"""What every property type answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models
from django.utils.functional import Promise

from records.registry import Registry

if TYPE_CHECKING:
    from records.properties import Property

property_types = Registry("property type")


class PropertyType(ABC):
    """One kind of value.

    `family` names the operators it is compared with (text, number, date, boolean, select, multi_select, user);
    `textual` means the stored text is compared as it is; `multiple` means a JSON list.
    """

    slug: str
    label: str | Promise
    family = "text"
    textual = False
    multiple = False

    def clean(self, raw: Any, prop: Property) -> Any:
        """A value from outside as Python, None when blank; ValueError with a sentence otherwise."""
        if raw is None or (isinstance(raw, str) and not raw.strip()) or raw == []:
            return None
        return self.parse(raw, prop)

    @abstractmethod
    def parse(self, raw: Any, prop: Property) -> Any:
        """A value that is not blank as Python; ValueError with a sentence when it is not of this kind."""

    def output_field(self) -> models.Field:
        """The Django field whose SQL type values of this kind are compared in."""
        return models.TextField()

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        """The form field of the record page, the action panels and the criteria builder."""
        return forms.CharField(**kwargs)

    def from_storage(self, stored: Any) -> Any:
        """A value of the `custom` JSONB (or of a journal row) as Python."""
        return stored

    def to_storage(self, value: Any) -> Any:
        """Python as it is kept in the `custom` JSONB."""
        return value

    def as_json(self, value: Any) -> Any:
        """Python as API clients and files see it."""
        return self.to_storage(value)

    def display(self, value: Any, prop: Property) -> str:
        """Python as a person reads it."""
        return str(value)
