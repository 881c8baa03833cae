"""What a merged contact has done on websites: the forms it has sent, the browsers it has come with."""

from __future__ import annotations

from django.utils.translation import ngettext

from crm.models import FormSubmission, Visitor
from crm.models.tracking import Hit
from records.merging.movers import Merge, Mover, movers


@movers.register
class Websites(Mover):
    slug = "websites"
    tables = (FormSubmission._meta.db_table, Visitor._meta.db_table, Hit._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        if merge.object_type.slug != "contact":
            return []
        count = FormSubmission.objects.filter(contact_id=merge.loser).count()
        message = ngettext(
            "%(count)d form that was sent moves over.", "%(count)d forms that were sent move over.", count
        )
        return [message % {"count": count}] if count else []

    def move(self, merge: Merge) -> None:
        if merge.object_type.slug != "contact":
            return
        for rows in (FormSubmission.objects, Visitor.objects, Hit.objects):
            rows.filter(contact_id=merge.loser).update(contact_id=merge.winner)
