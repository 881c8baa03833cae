"""A merged contact is a marketing contact as it was itself: what the other one waited for is over."""

from __future__ import annotations

from crm.models import PendingNonMarketing
from records.merging.movers import Merge, Mover, movers


@movers.register
class MarketingStatus(Mover):
    slug = "marketing_status"
    tables = (PendingNonMarketing._meta.db_table,)

    def tell(self, merge: Merge) -> list[str]:
        return []

    def move(self, merge: Merge) -> None:
        if merge.object_type.slug == "contact":
            PendingNonMarketing.objects.filter(contact_id=merge.loser).delete()
