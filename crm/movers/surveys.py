"""Surveys a merged contact was asked by, and what it answered, are the winner's; so is its place in audiences."""

from __future__ import annotations

from crm.audiences import keeping
from crm.audiences.permitting import permitted
from crm.models import Audience, AudienceMember, Contact, SurveyInvitation, SurveyResponse, SurveyTurn
from records.merging.movers import Merge, Mover, movers


@movers.register
class Surveys(Mover):
    slug = "surveys"
    tables = (SurveyInvitation._meta.db_table, SurveyResponse._meta.db_table, SurveyTurn._meta.db_table)

    def tell(self, merge: Merge) -> list[str]:
        return []

    def move(self, merge: Merge) -> None:
        if merge.object_type.slug == "contact":
            for rows in (SurveyInvitation.objects, SurveyResponse.objects):
                rows.filter(contact_id=merge.loser).update(contact_id=merge.winner)
            # When it was asked last is told by the invitations of both.
            SurveyTurn.objects.filter(contact_id=merge.loser).delete()
        elif merge.object_type.slug == "ticket":
            SurveyInvitation.objects.filter(ticket_id=merge.loser).update(ticket_id=merge.winner)


@movers.register
class Audiences(Mover):
    """The winner takes the loser's places, where it may be shown ads itself."""

    slug = "audiences"
    tables = (AudienceMember._meta.db_table,)

    def tell(self, merge: Merge) -> list[str]:
        return []

    def move(self, merge: Merge) -> None:
        if merge.object_type.slug != "contact":
            return
        for audience in Audience.objects.filter(members__contact_id=merge.loser).order_by("pk"):
            keeping.remove(audience, [merge.loser], now=merge.now)
            winner = Contact.objects.filter(permitted(audience), pk=merge.winner)
            keeping.add(audience, list(winner), now=merge.now)
