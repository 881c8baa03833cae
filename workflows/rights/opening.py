"""Which workflows a person may open, and which they may only read, because of properties these change or look at.

A workflow is an existing one for a person as soon as they cannot have made it as it stands: a step in it, in the live
revision or in the draft, changes a property they may not edit; or it was published. Then

- who may only see such a property sees the whole workflow, and changes nothing of it (PRM-08);
- who has no access to it cannot open the workflow (PRM-09); nor one of which a published revision looks at the
  property, as the history of its records would tell the values.

A workflow that enrolls records in one they may not change, directly or by way of others, they can only read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from records.models import Access
from records.property_access.rights import PropertyRights, rights_of
from records.seeing import reader
from workflows.definitions import touching
from workflows.models import Delivery, Enrollment, Revision, Workflow
from workflows.rights.drafted import Drafted
from workflows.rights.handing_on import leading_to, targets, targets_of_targets

#: What drafts change.
written = Drafted(touching.writes)
Row = TypeVar("Row", bound=Model)


def access_to(workflow: Workflow, user: Any) -> Access:
    """What a person may do with a workflow: nothing, see it, or change it; beside what their permissions say."""
    return levels(user, [workflow.pk]).get(workflow.pk, Access.EDIT)


def levels(user: Any, workflows: Collection[int] | None = None) -> dict[int, Access]:
    """Of all workflows, or of some and those they lead to, the ones a person may not change, with what they may."""
    rights = rights_of(user)
    if not rights.restricted:
        return {}
    leads = {} if workflows is None else targets_of_targets(workflows)
    revisions = Revision.objects.all() if workflows is None else Revision.objects.filter(workflow__in=leads)
    found: dict[int, Access] = {}
    for owner, level in [*published(revisions, rights), *drafts(revisions, rights)]:
        found[owner] = min(level, found.get(owner, level))
    for owner in leading_to(list(found), leads or targets()) if found else ():
        found[owner] = min(Access.VIEW, found.get(owner, Access.VIEW))
    return found


def published(revisions: QuerySet[Revision], rights: PropertyRights) -> list[tuple[int, Access]]:
    """By every revision records have gone through; what may only be seen counts in the live one."""
    fixed, hidden = [f"{kind}.{slug}" for kind, slug in rights.restricted], rights.hidden
    rows = revisions.exclude(published_at=None).filter(Q(writes__overlap=fixed) | Q(reads__overlap=hidden))
    found = []
    for owner, pk, live, reads, writes in rows.values_list("workflow", "pk", "workflow__live", "reads", "writes"):
        if rights.below({*reads, *writes}, Access.VIEW):
            found.append((owner, Access.NONE))
        elif pk == live and rights.below(writes, Access.EDIT):
            found.append((owner, Access.VIEW))
    return found


def drafts(revisions: QuerySet[Revision], rights: PropertyRights) -> list[tuple[int, Access]]:
    """By what their drafts change already."""
    found = []
    for owner, names in written.by_workflow(revisions):
        if rights.below(names, Access.EDIT):
            found.append((owner, Access.NONE if rights.below(names, Access.VIEW) else Access.VIEW))
    return found


def closed_to(user: Any) -> set[str]:
    """The ids, as documents have them, of the workflows a person has no access to."""
    return {str(pk) for pk, level in levels(user).items() if level < Access.VIEW}


def unnamed(workflows: Collection[int]) -> dict[int, str]:
    """Of some workflows those that are closed to who reads, with what they are called in sentences."""
    user = reader.get()
    found = levels(user, workflows) if user is not None and workflows else {}
    closed = _("a workflow you have no access to")
    return {pk: closed for pk in workflows if found.get(pk, Access.EDIT) < Access.VIEW}


def closed_name(workflow: int) -> str:
    """What one is called in sentences if it is closed to who reads; "" for one that is open to them."""
    return unnamed([workflow]).get(workflow, "")


def openable(rows: QuerySet[Row], user: Any, column: str = "pk") -> QuerySet[Row]:
    """The rows about workflows a person may open; `column` is where they name the workflow."""
    return without(rows, user, Access.VIEW, column)


def changeable(rows: QuerySet[Row], user: Any, column: str = "pk") -> QuerySet[Row]:
    """The rows about workflows a person may change."""
    return without(rows, user, Access.EDIT, column)


def without(rows: QuerySet[Row], user: Any, level: Access, column: str) -> QuerySet[Row]:
    barred = [pk for pk, found in levels(user).items() if found < level]
    return rows.exclude(**{f"{column}__in": barred}) if barred else rows


def of_known_workflows(deliveries: QuerySet[Delivery], user: Any, level: Access = Access.VIEW) -> QuerySet[Delivery]:
    """The deliveries but those of workflows of which a person's right is less than `level`: they tell values."""
    return not_of([pk for pk, found in levels(user).items() if found < level], deliveries)


def not_of(workflows: Collection[int], deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """The deliveries but those of some workflows."""
    if not workflows:
        return deliveries
    inside = Enrollment.objects.filter(workflow__in=workflows).values("pk")
    # Most requests name none: without the second condition these would be left out, too.
    told = deliveries.exclude(request__workflow__in=list(workflows), request__has_key="workflow")
    return told.exclude(enrollment_id__in=inside)


def refuse_closed(workflow: Workflow, user: Any) -> None:
    """Raise PermissionDenied where a person may not open a workflow."""
    refuse_below_view(access_to(workflow, user))


def refuse_below_view(level: Access) -> None:
    if level < Access.VIEW:
        raise PermissionDenied(
            _("This workflow uses a property you have no access to, so you cannot open it. Ask an administrator.")
        )


def refuse_change(workflow: Workflow, user: Any) -> None:
    """Raise PermissionDenied where a person may not change a workflow: with all that is in it, it is only read."""
    level = access_to(workflow, user)
    refuse_below_view(level)
    if level < Access.EDIT:
        raise PermissionDenied(why_read_only())


def may_change(workflow: Workflow, user: Any, permission: str = "workflows.change_workflow") -> bool:
    """Whether a person may change a workflow: by a permission of theirs, and by what it changes."""
    return bool(user.has_perm(permission)) and access_to(workflow, user) == Access.EDIT


def why_read_only() -> str:
    return _(
        "This workflow changes a property you may see but not edit, or enrolls records in a workflow you may not "
        "change, so you can read it only."
    )
