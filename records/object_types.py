"""The object types: which Django models are records, with which properties and associations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from records.capture import track
from records.categories import RECORDS
from records.properties import Option, Property, Text
from records.registry import Registry
from records.vocabulary import remembered

object_types = Registry("object type")

FIELD_TYPES: tuple[tuple[type[models.Field], str], ...] = (
    (models.EmailField, "email"),
    (models.URLField, "url"),
    (models.TextField, "multi_line"),
    (models.CharField, "text"),
    (models.BooleanField, "boolean"),
    (models.DateTimeField, "datetime"),
    (models.DateField, "date"),
    (models.DecimalField, "number"),
    (models.FloatField, "number"),
    (models.IntegerField, "number"),
)


#: What makes further properties of an object type from what is known of it, once the apps are ready.
calculators: list[Callable[[ObjectType], Iterable[Property]]] = []


@dataclass(frozen=True)
class Relation:
    """An association an object type declares as a foreign key or many-to-many of its model.

    `path` is the lookup from this model to the other (`company`, `deals`). CRM object types, whose links are
    labelled rows of `Association`, declare none: see records.associations.
    """

    slug: str
    to: str
    path: str


@dataclass(frozen=True, eq=False)
class ObjectType:
    """One kind of record.

    `blanks_match_negatives`: whether "is none of" and the like match records without a value (TRG-23: contacts do,
    TRG-24: other types do not). `soft_deletes`: the model has `deleted_at`, and deleted records are invisible.
    `associates_with`: slugs of the object types its records may be linked to by `Association`.
    """

    slug: str
    plural: str
    model: type[models.Model]
    label: Text
    label_plural: Text
    declared: tuple[Property, ...]
    name_property: str = "name"
    icon: str = "box"
    relations: tuple[Relation, ...] = ()
    associates_with: tuple[str, ...] = ()
    blanks_match_negatives: bool = False
    #: The heading under which filters on its records are found (records.categories).
    category: str = RECORDS.slug
    #: Whether there are workflows for it; without, its records are reached as associated ones only.
    enrolls: bool = True
    #: Slugs of the object types whose properties workflows for this type may write (ACG-09); None: of every type.
    workflows_write: tuple[str, ...] | None = None
    #: Whether two of its records may be merged into one (records.merging); it must be soft-deleted for that.
    mergeable: bool = False
    #: Slugs of the associated object types whose records its workflows have as data sources by themselves (DAT-03).
    data_sources: tuple[str, ...] = ()
    #: Slugs of the object types of which each of its records has one primary record at most.
    one_primary: tuple[str, ...] = ()
    #: Properties its records' names are made of beside `name_property`; like that one they are never hidden.
    named_by: tuple[str, ...] = ()
    #: Properties whose forms, lists and API come first; the rest follow in order of declaration.
    highlights: tuple[str, ...] = field(default=())

    @property
    def soft_deletes(self) -> bool:
        return any(f.name == "deleted_at" for f in self.model._meta.concrete_fields)

    @property
    def has_custom(self) -> bool:
        return any(f.name == "custom" for f in self.model._meta.concrete_fields)

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def key(self) -> str:
        """The column of the primary key."""
        primary = self.model._meta.pk
        assert primary is not None and primary.column is not None, "every model has a primary key with a column"
        return primary.column

    def properties(self) -> dict[str, Property]:
        """Every property by slug: declared, then custom ones (read afresh from the database), then calculated ones."""

        def read() -> dict[str, Property]:
            found = [*self.declared, *custom_properties(self.slug), *calculated_properties(self)]
            return {prop.slug: prop for prop in found}

        return dict(remembered(self, read))

    def records(self) -> QuerySet[Any]:
        """The records that exist (soft-deleted ones do not)."""
        live = Q(deleted_at=None) if self.soft_deletes else Q()
        return self.model._default_manager.filter(live)

    def lets_workflows_write(self, other: ObjectType) -> bool:
        """Whether workflows for this type may write properties of another one (or of its own)."""
        return self.workflows_write is None or other.slug in self.workflows_write

    def name_of(self, record: models.Model) -> str:
        return str(record)


def calculated_properties(object_type: ObjectType) -> Iterable[Property]:
    return [prop for calculate in calculators for prop in calculate(object_type)]


def custom_properties(slug: str) -> Iterable[Property]:
    """The custom properties of an object type, in the order of their labels."""
    from records.models import PropertyDefinition

    return [definition.as_property() for definition in PropertyDefinition.objects.filter(object_type=slug)]


def register(model: type[models.Model], **options: Any) -> ObjectType:
    """Make a Django model an object type.

    Without `declared` its properties are derived from its columns; slug, plural and labels default to the model's
    own names. Its changes are journaled from the next `migrate` on. Call it from `AppConfig.ready()`. Raises
    ValueError when the slug is taken.
    """
    meta = model._meta
    slug = options.pop("slug", meta.model_name)
    object_type = ObjectType(
        slug=slug,
        plural=options.pop("plural", f"{slug}s"),
        model=model,
        label=options.pop("label", meta.verbose_name),
        label_plural=options.pop("label_plural", meta.verbose_name_plural),
        declared=tuple(options.pop("declared", None) or derived_properties(model)),
        **options,
    )
    object_types.register(object_type)
    track(object_type)
    return object_type


def derived_properties(model: type[models.Model]) -> list[Property]:
    """The properties of a model as its columns tell them."""
    derived = (property_of(column) for column in model._meta.concrete_fields)
    return [prop for prop in derived if prop is not None]


def property_of(column: models.Field, **overrides: Any) -> Property | None:
    """A column as a property; None where no property type fits."""
    kind = overrides.get("type") or next((kind for cls, kind in FIELD_TYPES if isinstance(column, cls)), None)
    if column.is_relation and column.related_model is not None:
        from django.contrib.auth import get_user_model

        kind = "user" if column.related_model is get_user_model() else None
    options: tuple[Option, ...] = ()
    if column.choices:
        kind, options = "select", tuple(Option(str(value), label) for value, label in column.flatchoices)
    if kind is None:
        return None
    facts: dict[str, Any] = {
        "slug": column.name,
        "label": column.verbose_name,
        "type": kind,
        "column": column.attname,
        "options_source": options,
        "read_only": column.primary_key or not column.editable,
        "unique": column.unique,
        "required": not column.blank and not column.null and not column.has_default() and not column.primary_key,
        "description": column.help_text,
    }
    return Property(**(facts | overrides))


def enrolled_types() -> dict[str, ObjectType]:
    """The object types there are workflows for, by slug."""
    return {slug: object_type for slug, object_type in object_types.items() if object_type.enrolls}


def object_type_of(model: type[models.Model] | models.Model) -> ObjectType:
    """The object type of a model or record; LookupError when it is none."""
    cls = model if isinstance(model, type) else type(model)
    for object_type in object_types.values():
        if object_type.model is cls:
            return object_type
    raise LookupError(f"{cls.__name__} is not registered as an object type.")
