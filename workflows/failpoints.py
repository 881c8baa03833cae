"""Places at which a test may kill or freeze the process, to prove that nothing is lost or done twice."""

from __future__ import annotations

import os
import signal

from django.conf import settings

#: Every place by its name, with what has and what has not happened there.
FAILPOINTS = {
    "after_claim": "The claim is committed; nothing was locked or done.",
    "after_lock": "What is still ours is locked in the step transaction.",
    "after_effect": "A step has written its effects; neither log nor moves are written.",
    "after_log": "The log lines are written, the moves are not.",
    "after_move": "Log and moves are written, the transaction is open.",
    "before_commit": "Everything of the batch is written and not committed.",
    "after_commit": "The batch is committed; nobody has been told.",
    "after_recover": "The claims of dead workers were taken away; nothing was claimed anew.",
    "after_take": "Pending changes are taken from the queue in an open transaction.",
    "after_enroll": "Enrollments are written in an open transaction.",
    "before_dispatch_commit": "Changes are taken and followed, and not committed.",
    "after_dispatch_commit": "Changes are taken and followed, and committed.",
    "after_delivery_claim": "Deliveries are claimed; none has begun.",
    "before_delivery": "A delivery is claimed; nobody was spoken to.",
    "during_delivery": "The line to the receiver is open; nothing was sent.",
    "after_delivery": "The receiver has taken the message; nothing was noted.",
    "after_result": "The result of a delivery is noted and committed.",
    "after_publish_follow": "Records inside were moved to the new revision in an open transaction.",
    "before_publish_commit": "Everything of a publication is written and not committed.",
    "after_publish_commit": "A publication is committed; nobody has been told.",
}


def reach(name: str) -> None:
    """Die here, as by `kill -9`, when the environment's HEADRACE_FAILPOINT names this place (only with DEBUG).

    `HEADRACE_FAILPOINT=after_claim:SIGSTOP` freezes the process instead, once. Raises ValueError for a place that
    FAILPOINTS does not list.
    """
    if not settings.DEBUG:
        return
    if name not in FAILPOINTS:
        raise ValueError(f"{name!r} is not in workflows.failpoints.FAILPOINTS.")
    wanted, _colon, how = os.environ.get("HEADRACE_FAILPOINT", "").partition(":")
    if wanted == name:
        del os.environ["HEADRACE_FAILPOINT"]
        os.kill(os.getpid(), signal.Signals[how or "SIGKILL"])
