"""Validate and format a phone number (CRM-30): the number is brought into its international form, if it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import phonenumbers
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.actions.base import Action
from workflows.engine.writing import locked_values, write
from workflows.registries import actions
from workflows.step_forms.forms import ChoiceField, PropertyField
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import TargetForm, properties_for, subject_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


def countries() -> list[tuple[str, str]]:
    """Every country with numbers of its own, by its two letters, with the code its numbers begin with."""
    codes = sorted(phonenumbers.SUPPORTED_REGIONS)
    return [(code, f"{code} (+{phonenumbers.country_code_for_region(code)})") for code in codes]


@actions.register
class FormatPhone(Action):
    slug = "format_phone"
    label = gettext_lazy("Validate and format phone number")
    description = gettext_lazy(
        "Bring a phone number into its international form; it fails where there is no such number."
    )
    group = gettext_lazy("Data")
    icon = "phone"

    class Params(TargetForm):
        edits = True

        property = PropertyField(label=gettext_lazy("Phone number"), writable=True, types=("phone",), subject=True)
        country = ChoiceField(
            label=gettext_lazy("Country of numbers without a country code"),
            required=False,
            choices=[("", "—"), *countries()],
            help_text=gettext_lazy("Left out, only numbers that begin with + can be told."),
        )

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        kind = subject_of(document, context)
        prop = properties_for(kind, context).get(str(document.get("property", "")))
        if prop is None:
            return _("Choose the phone number to check")
        facts = {"property": prop.label, "records": kind.label_plural}
        if document.get("of"):
            return _("Check and format %(property)s of the associated %(records)s") % facts
        return _("Check and format %(property)s") % facts

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        return {f"{subject_of(document, context).slug}.{slug}"} if isinstance(slug, str) and slug else set()

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {
            "valid": Property("valid", gettext_lazy("The number is valid"), "boolean"),
            "number": Property("number", gettext_lazy("International form"), "text"),
            "country": Property("country", gettext_lazy("Country of the number"), "text"),
        }

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """One statement reads, one writes; of several associated records each is formatted by itself."""
        targets = targets_of(batch, params)
        prop = properties_for(targets.object_type, batch.context)[params["property"]]
        before = locked_values(targets.object_type, targets.ids, prop)
        numbers = {pk: number_of(value, params["country"] or None) for pk, value in before.items() if value}
        written = {pk: e164(number) for pk, number in numbers.items() if number}
        changes = {pk: {prop.slug: text} for pk, text in written.items() if text != before[pk]}
        write(targets.object_type, changes, {prop.slug: prop})
        for enrollment in batch.enrollments:
            found = [pk for pk in targets.of(enrollment) if before.get(pk)]
            if not targets.of(enrollment):
                continue
            facts: dict[str, Any] = {"property": str(prop.label)}
            wrong = [pk for pk in found if not numbers[pk]]
            first = numbers[found[0]] if found else None
            batch.output(enrollment, valid=bool(found) and not wrong, **parts(first))
            if wrong:
                batch.fail(enrollment, "no_phone_number", value=str(before[wrong[0]])[:100], **facts)
            elif not found:
                batch.skip(enrollment, "no_number", **facts)
            else:
                batch.done(enrollment, before=before[found[0]], after=written[found[0]], records=len(found), **facts)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        before, after = str(detail.get("before", "")), str(detail.get("after", ""))
        facts = {"property": str(detail.get("property", "")), "before": before, "after": after}
        if before == after:
            return format_html(_("{property} is a valid number: {after}"), **facts)
        return format_html(_("Formatted {property} from “{before}” to “{after}”"), **facts)


def number_of(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    """The number a text means; None where there can be no such number."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def e164(number: phonenumbers.PhoneNumber) -> str:
    """As phone numbers are stored."""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parts(number: phonenumbers.PhoneNumber | None) -> dict[str, str]:
    """What later steps may use of a number."""
    if number is None:
        return {}
    international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return {"number": international, "country": phonenumbers.region_code_for_number(number) or ""}
