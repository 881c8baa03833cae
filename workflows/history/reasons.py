"""Why a step was skipped or failed, as sentences a salesperson understands."""

from __future__ import annotations

from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.times.moments import shown_moment

#: Sentences by the code in a step execution's detail; named placeholders are filled from the same detail.
REASONS = {
    "ai_quota": gettext_lazy(
        "This action may ask AI %(limit)s times a month, and has done so this month: it goes on next month. An "
        "administrator can raise the number with AI_MONTHLY_LIMIT."
    ),
    "already_owned": gettext_lazy("The record already has an owner, so it was left alone."),
    "asked_lately": gettext_lazy(
        "The survey “%(survey)s” had asked the contact already; it asks again after %(days)s days."
    ),
    "audience_cookies_declined": gettext_lazy(
        "The contact has declined cookies, or has taken its consent back, so it is shown no ads."
    ),
    "audience_left_out": gettext_lazy("None of the associated contacts may be in the audience “%(name)s”."),
    "audience_no_address": gettext_lazy(
        "The contact has neither an email address nor a phone number with its country code (like +46…)."
    ),
    "audience_not_marketing": gettext_lazy("The contact is not a marketing contact, so it is shown no ads."),
    "audience_not_subscribed": gettext_lazy(
        "The contact has not subscribed to what the audience “%(name)s” is for, so it is shown no ads."
    ),
    "cannot_copy": gettext_lazy("“%(value)s” cannot be copied into %(property)s: %(error)s"),
    "centre_passed": gettext_lazy("The time for this step had passed when the record came, so it was passed over."),
    "code_broke_off": gettext_lazy(
        "The process with the code ended without a word. Try the step again; the log of the workers says more."
    ),
    "code_error": gettext_lazy("The code threw an error: %(error)s. Correct the code, or have it catch the error."),
    "code_error_in_line": gettext_lazy(
        "The code threw an error in line %(line)s: %(error)s. Correct the code, or have it catch the error."
    ),
    "code_memory": gettext_lazy(
        "Custom code stopped: it took more than %(megabytes)s MB of memory. Have it keep less at a time."
    ),
    "code_missing": gettext_lazy(
        "The code has no exports.main. Begin it with: exports.main = async (event, callback) => { … };"
    ),
    "code_off": gettext_lazy("Custom code is switched off in this installation. Ask an administrator."),
    "code_output": gettext_lazy("What the code gave back was refused: %(error)s. Give back less, or another type."),
    "code_secrets": gettext_lazy("The code was not run. %(error)s"),
    "code_syntax": gettext_lazy("The code cannot be read: %(error)s. Correct it."),
    "code_syntax_in_line": gettext_lazy("The code cannot be read: %(error)s. Correct it in line %(line)s."),
    "code_time": gettext_lazy(
        "Custom code stopped: it took more than %(seconds)s seconds. Look for a loop that never ends, or something "
        "awaited that never comes."
    ),
    "crashed": gettext_lazy("The step broke off three times without a result, so it was not tried again."),
    "does_not_fit": gettext_lazy("The value does not fit into the property: it is too long or too large."),
    "email_bounced": gettext_lazy("Emails to the contact’s address come back, so none was sent."),
    "email_left_out": gettext_lazy("None of the associated contacts may get the email."),
    "email_no_address": gettext_lazy("The contact has no email address."),
    "email_not_marketing": gettext_lazy("The contact is not a marketing contact, so no email was sent."),
    "email_not_subscribed": gettext_lazy("The contact has not subscribed to “%(type)s”, so no email was sent."),
    "email_nowhere": gettext_lazy("There was no address to send the email to."),
    "email_opted_out": gettext_lazy("The contact has unsubscribed from “%(type)s”, so no email was sent."),
    "in_audience": gettext_lazy("The contact was in the audience “%(name)s” already."),
    "in_list": gettext_lazy("The record was in the list “%(name)s” already."),
    "invalid_params": gettext_lazy("The setting of the step is not valid: %(error)s"),
    "limit_per_day": gettext_lazy(
        "No more than %(count)s records a day may go on from here: its turn is on %(until)s"
    ),
    "limit_per_hour": gettext_lazy(
        "No more than %(count)s records an hour may go on from here: its turn is on %(until)s"
    ),
    "limit_per_minute": gettext_lazy(
        "No more than %(count)s records a minute may go on from here: its turn is on %(until)s"
    ),
    "linked_already": gettext_lazy("The record was associated with all matching %(records)s already."),
    "made_here": gettext_lazy(
        "This workflow had created the record itself, so nothing was created for it: loop prevention."
    ),
    "message_not_made": gettext_lazy("No message was sent: %(error)s"),
    "message_not_sent": gettext_lazy("The message was not sent."),
    "message_refused": gettext_lazy("The message to %(number)s was not taken: %(error)s"),
    "never_permitted": gettext_lazy(
        "The execution times and pause dates permit no day of the next three years: looked at again on %(until)s"
    ),
    "no_address": gettext_lazy("No address or number of the contact is known for this channel."),
    "no_associated": gettext_lazy("The record has no associated %(records)s."),
    "no_email": gettext_lazy("Nobody among the recipients has an email address."),
    "no_label": gettext_lazy("The associated %(records)s had no such label."),
    "no_match": gettext_lazy("There are no %(records)s with the same value."),
    "no_number": gettext_lazy("%(property)s is blank."),
    "no_owner": gettext_lazy("The record has no owner."),
    "no_phone_number": gettext_lazy(
        "“%(value)s” in %(property)s is no phone number there can be. Correct it, or choose its country in the step."
    ),
    "no_primary": gettext_lazy("None of the associated %(records)s is the primary one."),
    "no_recipients": gettext_lazy("There was nobody to send it to."),
    "nobody_available": gettext_lazy(
        "Nobody could take the record: everyone is inactive, away, no main member or has as many tickets as they can."
    ),
    "not_a_number": gettext_lazy(
        "“%(value)s” is no phone number there can be, so nothing was sent. Correct it, or choose its country in the "
        "step."
    ),
    "not_asked": gettext_lazy("The AI gave no answer: %(error)s"),
    "not_composed": gettext_lazy("No request was sent: %(error)s"),
    "not_rendered": gettext_lazy("The text could not be filled in: %(error)s"),
    "not_computed": gettext_lazy("There is no result: %(error)s"),
    "not_created": gettext_lazy("No record was created: %(error)s"),
    "not_in_audience": gettext_lazy("The contact was not in the audience “%(name)s”."),
    "not_in_list": gettext_lazy("The record was not in the list “%(name)s”."),
    "not_opted_in": gettext_lazy("The contact is not subscribed to “%(type)s”, so nothing was sent."),
    "not_sent": gettext_lazy("The request was not sent, so there is no answer."),
    "not_taken": gettext_lazy("%(method)s request to %(host)s: %(error)s"),
    "not_unique": gettext_lazy("Another record already has this value, and it must be unique."),
    "nothing_blank": gettext_lazy("All of the properties have a value already, so nobody was asked."),
    "nothing_to_copy": gettext_lazy("There was no value to copy, so nothing was changed."),
    "nothing_to_match": gettext_lazy("The record’s %(property)s is blank, so there is nothing to match."),
    "opted_out": gettext_lazy("The contact has unsubscribed from “%(type)s”, so nothing was sent."),
    "outside_window": gettext_lazy("Outside the execution times: runs on %(until)s"),
    "pause_date": gettext_lazy("Reached on a pause date: runs on %(until)s"),
    "record_deleted": gettext_lazy("The record had been deleted."),
    "refused": gettext_lazy("The value was refused: %(error)s"),
    "required": gettext_lazy("The value came out blank, but %(property)s must not be blank."),
    "same_assignment": gettext_lazy("The conversation was in this inbox, with this owner, already."),
    "same_label": gettext_lazy("The associated %(records)s had this label already."),
    "same_marketing_status": gettext_lazy("The contact had this status already, or was due to get it."),
    "same_subscription": gettext_lazy("The subscription was already like this."),
    "several_primary": gettext_lazy(
        "Several associated %(records)s were meant, so none of them was made the primary one."
    ),
    "step_replaced": gettext_lazy(
        "A new version of the workflow was published without this step, so the record went on at another one."
    ),
    "moved_by_hand": gettext_lazy("Moved by hand from “%(from)s” to “%(to)s” by %(who)s."),
    "retried_by_hand": gettext_lazy("%(who)s had this step tried again."),
    "skipped_by_hand": gettext_lazy("%(who)s passed over this step, and the record went on."),
    "step_gone": gettext_lazy("The step no longer exists."),
    "survey_closed": gettext_lazy("The survey “%(survey)s” is closed, so nobody was asked."),
    "target_already_enrolled": gettext_lazy("The record was already enrolled in the other workflow."),
    "target_enrolled_before": gettext_lazy("The record had been enrolled in the other workflow before."),
    "target_goal_already_met": gettext_lazy("The record had met the goal of the other workflow already."),
    "target_gone": gettext_lazy("The other workflow no longer exists."),
    "target_loop": gettext_lazy("Workflows had enrolled in each other too many times in a row."),
    "target_meets_unenrollment": gettext_lazy("The record met the unenrollment criteria of the other workflow."),
    "target_none_enrolled": gettext_lazy("The other workflow took in none of the associated records."),
    "target_none_linked": gettext_lazy("The record had no associated records to enroll."),
    "target_not_matching": gettext_lazy("The record did not meet the criteria of the other workflow."),
    "target_not_published": gettext_lazy("The other workflow was never published."),
    "target_on_suppression_list": gettext_lazy("The record was in a suppression list of the other workflow."),
    "target_other_type": gettext_lazy("The other workflow is for other records."),
    "target_record_deleted": gettext_lazy("The record had been deleted, so it was not enrolled elsewhere."),
    "target_workflow_off": gettext_lazy("The other workflow was turned off."),
    "too_many_steps": gettext_lazy("The record took more than %(limit)s steps, so it was stopped."),
    "unchanged": gettext_lazy("The property already had this value."),
    "unreadable": gettext_lazy("This version of the workflow cannot be read any more: %(error)s"),
    "unexpected": gettext_lazy("An unexpected error kept this step from being done (%(error)s)."),
    "workflow_off": gettext_lazy("The workflow was turned off, so this step was skipped."),
}


def reason_sentence(detail: dict[str, Any]) -> str:
    """The sentence of a detail's `reason` (safe HTML); a code nobody knows any more is shown as it is."""
    code = str(detail.get("reason", ""))
    sentence = REASONS.get(code)
    if sentence is None:
        return escape(_("Reason: %(code)s.") % {"code": code})
    facts = {name: shown_moment(value) if name == "until" else str(value) for name, value in detail.items()}
    try:
        return escape(str(sentence) % facts)
    except (KeyError, ValueError):
        return mark_safe(escape(str(sentence).split("%(")[0].rstrip(" (:“") + "."))


def with_limit(sentence: str, detail: dict[str, Any]) -> str:
    """A step's sentence (safe HTML), and that it left out associated records where there were too many."""
    limit = detail.get("above_limit")
    if not isinstance(limit, int):
        return sentence
    return format_html(
        _("{done} – only for the first {limit} of them, as there are more"), done=mark_safe(sentence), limit=limit
    )
