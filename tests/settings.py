"""The project's settings for tests, on servers of their own: `.headrace/test` unless the two URLs are set."""

import atexit
import contextlib
import os
from pathlib import Path

os.environ.setdefault("HEADRACE_HOME", str(Path(__file__).resolve().parent.parent / ".headrace" / "test"))

from config import services

embedded_redis = not os.environ.get("REDIS_URL")
services.ensure_secrets()
_servers = contextlib.ExitStack()
_servers.enter_context(services.held(durable=False))
atexit.register(_servers.close)

from config.settings import *  # noqa: E402, F403

#: Every pytest-xdist process has a Redis database of its own, as pytest-django gives it a PostgreSQL one.
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1
if PROCESS and os.environ["REDIS_URL"].endswith("/0"):
    REDIS_URL = os.environ["REDIS_URL"].removesuffix("/0") + f"/{PROCESS}"
    for queue in RQ_QUEUES.values():  # noqa: F405
        queue["URL"] = REDIS_URL
#: Where links in mails lead.
PUBLIC_URL = "https://crm.example.com"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.toy", "tests.emptying"]  # noqa: F405
#: Migrating installs the triggers; the lines would bury what a failed test has to say.
LOGGING["loggers"]["pgtrigger"] = {"level": "WARNING"}  # noqa: F405
#: A batch that takes long must not end the process of the tests; those of the watchdog start processes of their own.
WORKFLOW_BATCH_SECONDS = 0
