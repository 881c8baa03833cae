"""What marketing emails add to a workflow's figures: who counts for its goal, and how each email did (GOL-03)."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from crm.emails.sending import KIND
from crm.models import EmailTemplate
from workflows.history import performance
from workflows.history.telling import definition_of
from workflows.models import Delivery, Enrollment, Workflow

#: Events counted, in the order of the columns.
COUNTED = ("email_sent", "email_delivered", "email_opened", "email_clicked", "email_replied", "email_bounced",
           "email_unsubscribed")  # fmt: skip
# An event is the workflow's where it happened to somebody the workflow has sent this email to, and after that.
EVENTS = """
    SELECT sent.email, e.event, count(DISTINCT e.record_id)
    FROM (
        SELECT d.request ->> 'email' AS email, (d.request ->> 'contact')::bigint AS contact, min(d.created_at) AS at
        FROM workflows_delivery d JOIN workflows_enrollment w ON w.id = d.enrollment_id
        WHERE d.kind = %(kind)s AND w.workflow_id = %(workflow)s AND d.request ->> 'email' = ANY(%(emails)s)
            AND d.request ? 'contact' AND NOT d.request ? 'copy'
        GROUP BY 1, 2
    ) AS sent
    JOIN records_event e ON e.object_type = 'contact' AND e.record_id = sent.contact AND e.event = ANY(%(events)s)
        AND e.occurred_at >= sent.at AND e.properties ->> 'email' = sent.email
    GROUP BY 1, 2
"""


def sent_marketing_email(workflow: Workflow, counted: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
    """The enrollments in which a marketing email was really sent; internal emails do not count (GOL-03)."""
    sent = Delivery.objects.filter(
        enrollment_id=OuterRef("pk"), kind=KIND, state=Delivery.State.DONE, request__has_key="contact"
    )
    return counted.filter(Exists(sent.exclude(request__has_key="copy")))


def email_table(workflow: Workflow, now: dt.datetime) -> performance.Table | None:
    """A row for each marketing email the live revision sends: how many contacts did what with it."""
    templates = templates_of(workflow)
    if not templates:
        return None
    columns = [
        _("Email"), _("Sent"), _("Delivered"), _("Opened"), _("Clicked"), _("Replied"), _("Bounced"),
        _("Unsubscribed"),
    ]  # fmt: skip
    names = [template.name for template in templates]
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"kind": KIND, "workflow": workflow.pk, "emails": names, "events": list(COUNTED)})
        counts = {(email, event): count for email, event, count in cursor.fetchall()}
    rows: list[list[object]] = [[name, *(counts.get((name, event), 0) for event in COUNTED)] for name in names]
    note = _("Contacts to whom this workflow has sent the email, as far as its deliveries are still kept.")
    return performance.Table(_("Emails"), columns, rows, note)


def templates_of(workflow: Workflow) -> list[EmailTemplate]:
    definition = definition_of(workflow.live) if workflow.live else None
    if definition is None:
        return []
    slugs = [str(step.params.get("email")) for step in definition.walk() if step.action == "send_email"]
    return list(EmailTemplate.objects.filter(slug__in=slugs).order_by("name"))


def register_email_performance() -> None:
    """Called once, when the apps are ready."""
    performance.counting["contact"] = sent_marketing_email
    performance.more.append(email_table)
