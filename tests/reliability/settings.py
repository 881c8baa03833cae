"""The settings of the processes these tests kill: short leases, mails kept in a file, failpoints on."""

import datetime as dt
import os

from config.settings import *  # noqa: F403

DEBUG = True
WORKFLOW_LEASE_SECONDS = float(os.environ.get("HEADRACE_LEASE", "30"))
DELIVERY_LEASE = dt.timedelta(seconds=10 * WORKFLOW_LEASE_SECONDS)
EMAIL_BACKEND = "tests.reliability.mail.RecordingBackend"
