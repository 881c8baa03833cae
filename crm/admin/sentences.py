"""Changes of a record told in sentences: what, from what to what, by whom and why."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.models import Form, Subscription, SubscriptionType
from crm.record_links import may, names_of, url, url_of, users_by_id
from crm.subscription_journal import PREFIX as SUBSCRIPTION
from records.journal import MERGED_FROM
from records.models import Change, ChangeKind
from records.object_types import ObjectType, object_types
from records.properties import Property
from records.property_access import rights_of
from workflows.models import Workflow

HIDDEN = {"id", "created_at", "updated_at", "custom"}
ICONS = {
    "created": "plus",
    "updated": "pencil",
    "deleted": "trash",
    "associated": "link",
    "dissociated": "unlink",
    "merged": "merge",
}


class Teller:
    """Tells the changes of one page to a user; names of people, records and workflows are read once."""

    def __init__(self, object_type: ObjectType, changes: Sequence[Change], user: Any) -> None:
        self.object_type = object_type
        self.user = user
        self.properties: dict[str, Property] = {
            slug: dataclasses.replace(prop, options_source=prop.options) if prop.options_source else prop
            for slug, prop in rights_of(user).seen(object_type, object_type.properties()).items()
        }
        people = {change.actor_id for change in changes}
        for slug, prop in self.properties.items():
            if prop.type == "user":
                people |= {values.get(slug) for change in changes for values in (change.before, change.after)}
        self.people = users_by_id(int(pk) for pk in people if pk)
        sources = [change.source or {} for change in changes]
        self.workflows = Workflow.objects.in_bulk({s["workflow"] for s in sources if s.get("workflow")})
        self.forms = self.form_links({s["form"] for s in sources if s.get("form")})
        self.records = self.linked_names(changes)
        wished = any(slug.startswith(SUBSCRIPTION) for change in changes for slug in change.after)
        self.types = dict(SubscriptionType.objects.values_list("slug", "name")) if wished else {}

    def linked_names(self, changes: Sequence[Change]) -> dict[tuple[str, int], str]:
        wanted: dict[str, set[int]] = defaultdict(set)
        for change in changes:
            facts = link_facts(change)
            if facts:
                wanted[facts["to_type"]].add(facts["to_id"])
            for pk in (change.after.get("merged"), (change.source or {}).get(MERGED_FROM)):
                if pk:
                    wanted[self.object_type.slug].add(pk)
        return {
            (slug, pk): name
            for slug, ids in wanted.items()
            # Who may not see records of a type does not learn their names here either.
            if slug in object_types and may(self.user, "view", object_types[slug])
            for pk, name in names_of(object_types[slug], ids).items()
        }

    def form_links(self, ids: set[Any]) -> dict[Any, SafeString]:
        names = Form.objects.filter(pk__in=ids).values_list("pk", "name") if ids else []
        return {pk: format_html('<a href="{}">{}</a>', url("admin:crm_form_change", pk), name) for pk, name in names}

    def icon(self, change: Change) -> str:
        return ICONS.get(change.kind, "pencil")

    def sentence(self, change: Change) -> SafeString | str:
        """What happened, as safe HTML."""
        if change.kind in (ChangeKind.ASSOCIATED, ChangeKind.DISSOCIATED):
            return self.link_sentence(change)
        if change.kind == ChangeKind.CREATED:
            return _("The %(type)s was created.") % {"type": self.object_type.label}
        if change.kind == ChangeKind.MERGED:
            pk = change.after.get("merged", 0)
            name = self.records.get((self.object_type.slug, pk), f"#{pk}")
            return filled(_("Merged with the %(type)s %(name)s."), type=self.object_type.label, name=strong(name))
        if change.kind == ChangeKind.DELETED:
            return _("The %(type)s was deleted.") % {"type": self.object_type.label}
        wishes = [slug for slug in change.after if slug.startswith(SUBSCRIPTION)]
        if wishes:
            return format_html_join(SafeString(" "), "{}", ((self.wish(slug, change),) for slug in wishes))
        slugs = [s for s in self.properties if s not in HIDDEN and (s in change.before or s in change.after)]
        if not slugs:
            restored = "deleted_at" in change.before
            return _("The %(type)s was restored.") % {"type": self.object_type.label} if restored else _("Changed.")
        return format_html_join(SafeString(" "), "{}", ((self.change_of(slug, change),) for slug in slugs))

    def change_of(self, slug: str, change: Change) -> SafeString:
        prop = self.properties[slug]
        old, new = (self.shown(prop, values.get(slug)) for values in (change.before, change.after))
        if not old:
            template = _("%(property)s was set to %(new)s.")
        elif not new:
            template = _("%(property)s was cleared; it was %(old)s.")
        else:
            template = _("%(property)s was changed from %(old)s to %(new)s.")
        return filled(template, property=capfirst(str(prop.label)), old=strong(old), new=strong(new))

    def wish(self, slug: str, change: Change) -> SafeString:
        """What a contact subscribes to, which is no property but journaled like one."""
        statuses = dict(Subscription.Status.choices)
        old, new = (str(statuses.get(values.get(slug, ""), "–")) for values in (change.before, change.after))
        type_slug = slug.removeprefix(SUBSCRIPTION)
        template = _("The subscription “%(type)s” was changed from %(old)s to %(new)s.")
        return filled(template, type=self.types.get(type_slug, type_slug), old=strong(old), new=strong(new))

    def shown(self, prop: Property, stored: Any) -> str:
        """A journaled value as a person reads it; "" for a blank."""
        if stored in (None, "", []):
            return ""
        value = prop.stored(stored)
        if value is None:
            return str(stored)[:120]
        if prop.type == "user":
            return self.people.get(value, _("a deleted user"))
        text = prop.display(value)
        return text if len(text) <= 120 else f"{text[:119]}…"

    def link_sentence(self, change: Change) -> SafeString:
        facts = link_facts(change)
        slug, pk, label = facts.get("to_type", ""), facts.get("to_id", 0), facts.get("label", "")
        other = object_types.get(slug)
        name = self.records.get((slug, pk), f"#{pk}")
        known = other is not None and (slug, pk) in self.records
        link = format_html('<a href="{}">{}</a>', url_of(other, pk), name) if other and known else name
        if change.kind == ChangeKind.DISSOCIATED and facts.get("relabelled"):
            template = _("The association with the %(type)s %(name)s was labelled anew; it had been “%(label)s”.")
            label = label or _("without a label")
        elif change.kind == ChangeKind.DISSOCIATED:
            template = _("No longer associated with the %(type)s %(name)s.")
        elif label:
            template = _("Associated with the %(type)s %(name)s as “%(label)s”.")
        else:
            template = _("Associated with the %(type)s %(name)s.")
        return filled(template, type=other.label if other else slug, name=link, label=label)

    def who(self, change: Change) -> SafeString | str:
        """By whom, and because of what; and as whom, where it was another record then."""
        source = change.source or {}
        done = self.doer(change, source)
        if about := source.get(MERGED_FROM):
            name = self.records.get((self.object_type.slug, about), f"#{about}")
            return filled(_("%(who)s – of %(name)s, before the merge"), who=done, name=name)
        return done

    def doer(self, change: Change, source: dict[str, Any]) -> SafeString | str:
        kind = source.get("kind", "")
        person = self.people.get(change.actor_id or 0, "")
        if kind == "workflow":
            workflow = self.workflows.get(source.get("workflow"))
            name = workflow.name if workflow else _("a deleted workflow")
            enrollment = source.get("enrollment")
            page = url("admin:workflows_enrollment_change", enrollment) if enrollment else ""
            page = page or (url("admin:workflow_editor", workflow.pk) if workflow else "")
            link = format_html('<a href="{}">{}</a>', page, name) if page else name
            return filled(_("by the workflow %(name)s"), name=link)
        if kind == "form":
            return filled(_("by the form %(name)s"), name=self.forms.get(source.get("form"), _("a deleted form")))
        templates = {
            "admin": _("by %(person)s"),
            "api": _("by %(person)s through the API"),
            "import": _("by an import of %(person)s"),
            "command": _("by a command"),
            "demo": _("with the demo data"),
            "marketing": _("as it was due"),
            "merge": _("by a merge of %(person)s"),
            "reminder": _("as it was time"),
            "sequence": _("by a sequence"),
            "survey": _("by an answer to a survey"),
        }
        if kind == "merge" and not person:
            return _("by a merge")
        if kind == "import" and not person:
            return _("by an import")
        if not kind:
            return _("by %(person)s") % {"person": person} if person else _("by another program")
        return templates.get(kind, kind) % {"person": person or _("somebody")}


def link_facts(change: Change) -> dict[str, Any]:
    if change.kind not in (ChangeKind.ASSOCIATED, ChangeKind.DISSOCIATED):
        return {}
    return change.after or change.before


def strong(text: str) -> SafeString:
    return format_html("<strong>{}</strong>", text)


def filled(template: str, **values: Any) -> SafeString:
    """A translated template with its values escaped (those that are safe HTML are kept)."""
    marked = template.replace("{", "{{").replace("}", "}}")
    for name in values:
        marked = marked.replace(f"%({name})s", "{" + name + "}")
    return format_html(marked, **values)
