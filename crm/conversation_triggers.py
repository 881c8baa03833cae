"""What messages say about their conversation, kept by the database whoever writes them (FLT-18).

One statement for all conversations of which messages were added, changed or removed.
"""

from __future__ import annotations

import pgtrigger

from crm.models import Message
from records.journal_triggers import OLD_AND_NEW, ONLY_NEW, ONLY_OLD, CaptureTrigger

FOLLOW = """
UPDATE crm_conversation c SET
    last_message = COALESCE(newest.body, ''), last_message_at = newest.at, last_received_at = times.received,
    last_sent_at = times.sent, first_response_time = EXTRACT(epoch FROM times.answered - times.asked)
FROM (SELECT DISTINCT conversation_id FROM ({rows}) AS written) AS touched
LEFT JOIN LATERAL (
    SELECT body, at FROM crm_message m WHERE m.conversation_id = touched.conversation_id
    ORDER BY at DESC, id DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT max(at) FILTER (WHERE direction = 'received') AS received,
        max(at) FILTER (WHERE direction = 'sent') AS sent,
        min(at) FILTER (WHERE direction = 'received') AS asked,
        min(at) FILTER (WHERE direction = 'sent' AND NOT automatic AND at >= (
            SELECT min(at) FROM crm_message a
            WHERE a.conversation_id = touched.conversation_id AND a.direction = 'received'
        )) AS answered
    FROM crm_message m WHERE m.conversation_id = touched.conversation_id
) AS times ON true
WHERE c.id = touched.conversation_id;
RETURN NULL;
"""


def register_message_triggers() -> None:
    """Called once, when the apps are ready; `migrate` installs the triggers."""
    new, old = "SELECT conversation_id FROM new_rows", "SELECT conversation_id FROM old_rows"
    pgtrigger.register(
        CaptureTrigger(
            name="follow_insert", operation=pgtrigger.Insert, referencing=ONLY_NEW, declare=None,
            func=FOLLOW.format(rows=new),
        ),
        CaptureTrigger(
            name="follow_update", operation=pgtrigger.Update, referencing=OLD_AND_NEW, declare=None,
            func=FOLLOW.format(rows=f"{new} UNION ALL {old}"),
        ),
        CaptureTrigger(
            name="follow_delete", operation=pgtrigger.Delete, referencing=ONLY_OLD, declare=None,
            func=FOLLOW.format(rows=old),
        ),
    )(Message)  # fmt: skip
