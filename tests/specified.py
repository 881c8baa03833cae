"""Which rows of the specification each trigger, filter, operator, event, schedule and door rule carries out.

Filters and event types may declare theirs as `spec` instead. What no row asks for has an empty entry; what is missing
makes tests/test_triggers_page.py fail.
"""

from __future__ import annotations

TRIGGERS = {
    "filter": "TRG-02 TRG-09", "event": "TRG-03 TRG-16 TRG-34", "schedule": "TRG-04 SCH-01 SCH-15",
    "manual": "TRG-05 TRG-06 MAN-01",
}  # fmt: skip

#: Kinds of filter by the key that starts them.
FILTERS = {
    "property": "FLT-01", "association": "FLT-02 FLT-03 FLT-04", "list": "FLT-20 FLT-21",
    "form": "FLT-23 FLT-24 FLT-25", "marketing_email": "FLT-26 FLT-27",
    "event": "FLT-40 FLT-42 FLT-43 FLT-44 FLT-45", "workflow": "FLT-34 GOL-04", "subscription": "FLT-28 FLT-29",
}  # fmt: skip

#: Operators by "family:slug", or by slug where it is the same row for every type.
OPERATORS = {
    "is_known": "OPR-01 REN-08", "is_unknown": "OPR-02", "is_blank": "OPR-03", "is_not_blank": "OPR-03",
    "updated_in_last_days": "OPR-04", "not_updated_in_last_days": "OPR-05", "updated_before": "OPR-06",
    "updated_after": "OPR-06", "updated_between": "OPR-06", "updated_before_property": "OPR-07",
    "updated_after_property": "OPR-07",
    "text:is_equal_to_any_of": "OPR-09", "text:is_not_equal_to_any_of": "OPR-10", "text:contains_any_of": "OPR-11",
    "text:does_not_contain_any_of": "OPR-12", "text:contains_exactly": "OPR-13",
    "text:does_not_contain_exactly": "OPR-14", "text:starts_with_any_of": "OPR-15", "text:ends_with_any_of": "OPR-16",
    "text:has_ever_been_equal_to_any_of": "OPR-17", "text:has_never_been_equal_to_any_of": "OPR-18",
    "text:has_ever_contained": "OPR-19", "text:has_never_contained": "OPR-19", "text:is_equal_to_property": "OPR-20",
    "text:is_not_equal_to_property": "OPR-20",
    "number:is_equal_to": "OPR-21", "number:is_not_equal_to": "OPR-21", "number:is_greater_than": "OPR-22",
    "number:is_greater_than_or_equal_to": "OPR-22", "number:is_less_than": "OPR-23 TRG-26",
    "number:is_less_than_or_equal_to": "OPR-23", "number:is_between": "OPR-24", "number:is_not_between": "OPR-24",
    "number:has_ever_been_equal_to": "OPR-25", "number:has_never_been_equal_to": "OPR-25",
    "number:is_equal_to_property": "OPR-26", "number:is_greater_than_property": "OPR-26",
    "number:is_less_than_property": "OPR-26",
    "boolean:is_true": "OPR-27", "boolean:is_false": "OPR-27", "boolean:has_ever_been": "OPR-28",
    "boolean:has_never_been": "OPR-28", "boolean:is_equal_to_property": "OPR-29",
    "boolean:is_not_equal_to_property": "OPR-29",
    "select:is_any_of": "OPR-30", "select:is_none_of": "OPR-31", "select:has_ever_been_any_of": "OPR-32",
    "select:has_never_been_any_of": "OPR-32",
    "user:is_any_of": "OPR-39", "user:is_none_of": "OPR-39", "user:has_ever_been_any_of": "OPR-39",
    "user:has_never_been_any_of": "OPR-39",
    "multi_select:is_any_of": "OPR-33", "multi_select:is_none_of": "OPR-33", "multi_select:is_exactly": "OPR-34",
    "multi_select:is_not_exactly": "OPR-34", "multi_select:contains_all": "OPR-35",
    "multi_select:does_not_contain_all": "OPR-35", "multi_select:has_ever_been_any_of": "OPR-36",
    "multi_select:has_never_been_any_of": "OPR-36", "multi_select:has_ever_been_exactly": "OPR-37",
    "multi_select:has_never_been_exactly": "OPR-37", "multi_select:has_ever_contained_all": "OPR-38",
    "multi_select:has_never_contained_all": "OPR-38",
    "date:is_equal_to": "OPR-40", "date:is_before": "OPR-41 OPR-49 OPR-51", "date:is_after": "OPR-42 OPR-49 OPR-51",
    "date:is_between": "OPR-43 OPR-49", "date:is_not_between": "OPR-43", "date:is_less_than_days_ago": "OPR-44",
    "date:is_more_than_days_ago": "OPR-45", "date:is_less_than_days_from_now": "OPR-46",
    "date:is_more_than_days_from_now": "OPR-47", "date:is_in_calendar_period": "OPR-48",
    "date:is_before_property": "OPR-50", "date:is_after_property": "OPR-50",
}  # fmt: skip

EVENTS = {
    "property_changed": "EVT-01", "record_created": "EVT-02", "record_associated": "EVT-29",
    "record_unassociated": "EVT-29", "associated_record_created": "EVT-29", "workflow_completed": "",
    "task_completed": "",
    "form_submitted": "EVT-03 FLT-23 FLT-24 FLT-25", "form_viewed": "EVT-04", "form_interacted": "EVT-05",
    "page_viewed": "EVT-06 FLT-31 TRG-14", "email_sent": "EVT-07 FLT-26", "email_delivered": "EVT-08 FLT-26",
    "email_opened": "EVT-09 FLT-26", "email_clicked": "EVT-10 FLT-26", "email_replied": "EVT-11 FLT-26",
    "email_bounced": "EVT-12 FLT-26", "email_marked_as_spam": "FLT-27",
    "email_unsubscribed": "FLT-26", "subscription_updated": "EVT-13",
    "ad_interacted": "EVT-14 FLT-39", "cta_viewed": "EVT-15 FLT-35", "cta_clicked": "EVT-16 FLT-35",
    "media_played": "EVT-17", "cookie_consent_given": "FLT-22",
    "email_received": "EVT-29",
    "meeting_booked": "EVT-18", "meeting_outcome_changed": "EVT-19", "call_started": "EVT-20", "call_ended": "EVT-21",
    "playbook_logged": "EVT-22", "sequence_enrolled": "EVT-23", "sequence_finished": "EVT-24",
    "sequence_unenrolled": "EVT-25", "sequence_meeting_booked": "EVT-26",
    "sms_sent": "EVT-32", "sms_delivered": "EVT-33", "sms_clicked": "EVT-34",
    "whatsapp_sent": "",
    "marketing_event_registered": "EVT-38 FLT-41", "marketing_event_cancelled": "EVT-39",
    "marketing_event_attended": "FLT-41", "survey_answered": "FLT-41", "document_viewed": "EVT-29",
    "document_shared": "EVT-29",
    "workflow_enrolled": "EVT-35", "workflow_unenrolled": "EVT-36", "workflow_goal_met": "EVT-37",
    "list_joined": "FLT-20", "list_left": "FLT-20",
}  # fmt: skip

SCHEDULES = {
    "once": "SCH-23", "day": "SCH-03", "week": "SCH-04", "month": "SCH-05 SCH-06 SCH-08", "year": "SCH-07 SCH-09",
    "cron": "", "property": "SCH-24",
}  # fmt: skip

#: Why a record is not let in.
REFUSALS = {
    "workflow_off": "TRG-30", "already_enrolled": "TRG-19 REN-10", "enrolled_before": "TRG-07 REN-01",
    "record_deleted": "UNE-09", "loop": "", "enrolling_failed": "", "not_matching": "MAN-08",
    "not_published": "TRG-30", "on_suppression_list": "SUP-01 SUP-02 MAN-06 TRG-29",
    "meets_unenrollment": "UNE-04 TRG-29",
    "no_centre_date": "SCH-28", "still_inside": "SCH-32", "goal_already_met": "GOL-02 TRG-29",
}  # fmt: skip
#: Why a record leaves before its end.
LEAVINGS = {
    "completed": "UNE-10", "ended": "UNE-10", "by_hand": "UNE-08", "record_deleted": "UNE-09", "workflow_deleted": "",
    "no_longer_matching": "UNE-06 MAN-08", "goal_met": "GOL-01", "unenrollment_criteria": "UNE-01 UNE-04",
    "suppressed": "SUP-01 SUP-02", "enrolled_elsewhere": "UNE-07", "merged": "TRG-35", "failed": "", "step_gone": "",
    "step_removed": "", "too_many_steps": "", "crashed": "", "unreadable": "",
}  # fmt: skip

#: Types of step. Rows about all of them (ACG) are left out.
ACTIONS = {
    "branch": "BRN-04 BRN-05 BRN-06 BRN-07 BRN-10", "value_branch": "BRN-01 BRN-02 BRN-03",
    "random_split": "BRN-08 BRN-09", "go_to": "GTO-06 GTO-07 GTO-08 GTO-09",
    "go_to_workflow": "GTO-01 GTO-02 GTO-03 GTO-04 GTO-05", "for_each_associated": "", "end": "",
    "delay": "DLY-09", "delay_to_centre": "DLY-10", "delay_until_date": "DLY-01",
    "delay_until_property": "DLY-02 DLY-03 DLY-04", "delay_until_event": "DLY-05 DLY-06 DLY-07 DLY-08",
    "delay_until_weekday": "DLY-11 DLY-13", "delay_until_time": "DLY-12",
    "edit_record": "CRM-01 CRM-02 CRM-03 CRM-04 CRM-05 CRM-06 CRM-07 CRM-08 CRM-09 CRM-31", "change_number": "CRM-20",
    "create_record": "CRM-10 CRM-11 CRM-12 ACG-14", "create_task": "CRM-13 CRM-14 CRM-15", "create_note": "CRM-16",
    "delete_contact": "CRM-19", "rotate_owner": "CRM-22 CRM-23 CRM-24",
    "create_association": "CRM-25 CRM-26", "apply_label": "CRM-27", "update_label": "CRM-28", "remove_label": "CRM-29",
    "format_phone": "CRM-30", "format_data": "DOP-11 DOP-12 DOP-13 DOP-14",
    "add_to_audience": "MKT-01", "remove_from_audience": "MKT-02", "send_survey": "COM-11",
    "add_to_list": "MKT-03", "remove_from_list": "MKT-04", "set_marketing_status": "MKT-05 MKT-06",
    "set_subscription": "CRM-21 ACG-10", "send_notification": "COM-07 COM-08", "send_internal_email": "COM-09",
    "send_email": "COM-03 COM-04 COM-05", "send_internal_marketing_email": "COM-10",
    "enroll_in_prospecting_agent": "COM-06", "enroll_in_sequence": "COM-01", "unenroll_from_sequence": "COM-02",
    "assign_conversation": "COM-14",
    "send_webhook": "DOP-15 DOP-16 DOP-17 DOP-18 DOP-19 DOP-20 DOP-21",
    "enrich_record": "AIA-01 AIA-06", "ask_ai": "AIA-02 AIA-06", "research": "AIA-03 AIA-06",
    "summarise_record": "AIA-04 AIA-06", "fill_property": "AIA-05 AIA-06", "research_company": "AIA-05 AIA-06",
    "send_sms": "COM-13 ACG-05", "send_whatsapp": "COM-12 ACG-05",
    "custom_code": "DOP-01 DOP-04 DOP-05 DOP-06 DOP-07 DOP-08 DOP-09 DOP-10",
}  # fmt: skip
