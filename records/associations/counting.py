"""How many records are linked, as properties: `number_of_…` for every association."""

from __future__ import annotations

import functools

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from records.associations.asking import end_of, links
from records.associations.known import AssociationType, associations_of
from records.models import Change, ChangeKind
from records.object_types import ObjectType
from records.properties import Property


def counts_of(object_type: ObjectType) -> list[Property]:
    """`number_of_…` for every association: blank if there never was a link, 0 if all were removed (TRG-26)."""
    return [
        Property(
            slug=counter_slug(association),
            label=_("Number of %(records)s") % {"records": association.to.label_plural},
            type="number",
            read_only=True,
            calculated=number_of(object_type, association),
        )
        for association in associations_of(object_type).values()
    ]


def counter_slug(association: AssociationType) -> str:
    return f"number_of_{association.slug if association.relation else association.to.plural}"


def counted(object_type: ObjectType, slug: str) -> AssociationType | None:
    """The association a `number_of_…` property counts; None when the property is another one."""
    found = associations_of(object_type).values()
    return next((association for association in found if counter_slug(association) == slug), None)


@functools.lru_cache(maxsize=500)
def number_of(object_type: ObjectType, association: AssociationType) -> Coalesce:
    """The expression that counts; built once, as building it costs more than asking for it."""
    end = end_of(association)
    live = association.to.records().values("pk")
    rows = links(object_type, association).filter(**{f"{end}__in": live}).order_by()
    group = "from_id" if association.relation is None else "pk"
    number = Subquery(rows.values(group).annotate(number=Count(end, distinct=True)).values("number"))
    ever = Change.objects.filter(
        object_type=object_type.slug,
        record_id=OuterRef("pk"),
        kind=ChangeKind.ASSOCIATED,
        after__to_type=association.to.slug,
    )
    return Coalesce(number, Case(When(Exists(ever), then=Value(0))), output_field=IntegerField())
