"""The words of the criteria builder, in the person's language."""

from __future__ import annotations

from django.utils.translation import gettext as _

from records.object_types import ObjectType


def texts(object_type: ObjectType) -> dict[str, str]:
    """The builder's own words."""
    return {
        "and": _("AND"),
        "or": _("OR"),
        "add_filter": _("Add filter"),
        "add_group": _("Add group"),
        "palette": _("Choose what to filter by"),
        "search_filters": _("Search properties, events, lists …"),
        "nothing_found": _("Nothing found. Try another word."),
        "properties": _("Properties of the record"),
        "associated_records": _("Associated records"),
        "any_associated": _("At least one associated record"),
        "only_with": _("Only if the event has"),
        "add_where": _("Add filter on the event"),
        "refine": _("How often or how recently"),
        "refine_none": _("At any time, once or more"),
        "refine_within": _("Within the last days"),
        "refine_count": _("A number of times"),
        "days": _("Days"),
        "at_least": _("At least (times)"),
        "at_most": _("At most (times, empty: no limit)"),
        "remove_filter": _("Remove filter"),
        "duplicate_filter": _("Duplicate filter"),
        "remove_group": _("Remove group"),
        "duplicate_group": _("Duplicate group"),
        "group": _("Group"),
        "filter": _("Filter"),
        "match": _("Records match when"),
        "property": _("Property"),
        "operator": _("Operator"),
        "choose_property": _("Choose a property"),
        "associated": _("At least one associated record of type"),
        "passes": _("for which"),
        "with_label": _("Association label (empty: any)"),
        "one_per_line": _("One value per line"),
        "search": _("Search options"),
        "no_options": _("There are no options yet."),
        "choose": _("Choose"),
        "yes": _("Yes"),
        "no": _("No"),
        "fixed_date": _("A fixed date"),
        "relative_date": _("Relative to now"),
        "before": _("before"),
        "after": _("after"),
        "amount": _("How many"),
        "unit": _("Unit"),
        "anchor": _("Relative to"),
        "direction": _("Before or after"),
        "kind_of_date": _("Kind of date"),
        "options": _("More settings"),
        "include_blank": _("Include records where “{property}” is empty"),
        "unfinished": _("Finish the filters to see how many %(records)s match.")
        % {"records": object_type.label_plural},
        "counting": _("Counting …"),
        "offline": _("The number of matches could not be loaded. It is tried again with the next change."),
        "samples": _("For example:"),
        "removed": _("Removed."),
        "added": _("Added."),
        "other_kind": _("A filter of another kind, edited elsewhere"),
    }
