"""What another project writes to automate its own models."""

import os

import environ

SECRET_KEY = "only for a test"
DATABASES = {
    "default": environ.Env.db_url_config(os.environ["DATABASE_URL"]) | {"TEST": {"NAME": f"test_toy_{os.getpid()}"}}
}
INSTALLED_APPS = [
    "tests.toy",
    "tests.toy_project.connected",
    "workflows",
    "records",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "pgtrigger",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
PGTRIGGER_MIGRATIONS = False
PGTRIGGER_INSTALL_ON_MIGRATE = True
# No RQ_QUEUES: without Redis the clock, or `workflow_tick`, does the work.
