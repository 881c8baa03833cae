"""What a merged contact wants of each subscription type: the strictest of both holds, with the history of both."""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm.models import Subscription, SubscriptionChange
from crm.subscribing import Source, Status, Wish, set_status
from records.merging.movers import Merge, Mover, movers

#: The strictest last: who has opted out as either stays so.
STRICTNESS = (Status.NOT_SPECIFIED, Status.SUBSCRIBED, Status.UNSUBSCRIBED)


@movers.register
class Subscriptions(Mover):
    slug = "subscriptions"
    # The loser's own rows stay with it: what it wanted when it was merged.
    tables = (Subscription._meta.db_table, SubscriptionChange._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        return [
            _("“%(type)s” becomes “%(status)s”, as that is stricter or nothing was said before.")
            % {"type": one.type.name, "status": one.get_status_display()}
            for one in stricter(merge)
        ]

    def move(self, merge: Merge) -> None:
        if merge.object_type.slug != "contact":
            return
        # What is to become is asked first; afterwards the proofs of both are one history.
        found = stricter(merge)
        SubscriptionChange.objects.filter(contact_id=merge.loser).update(contact_id=merge.winner)
        for one in found:
            wish = Wish(one.type, one.status, one.legal_basis, one.explanation)
            set_status([merge.winner], wish, source=Source.MERGE, by=merge.by, now=merge.now)


def stricter(merge: Merge) -> list[Subscription]:
    """What the loser says more strictly than the winner, in the order of the types."""
    if merge.object_type.slug != "contact":
        return []
    rows = Subscription.objects.filter(contact_id__in=[merge.winner, merge.loser]).select_related("type")
    kept = {row.type_id: row.status for row in rows if row.contact_id == merge.winner}
    return [
        row
        for row in rows.order_by("type")
        if row.contact_id == merge.loser
        and STRICTNESS.index(Status(row.status))
        > STRICTNESS.index(Status(kept.get(row.type_id, Status.NOT_SPECIFIED)))
    ]
