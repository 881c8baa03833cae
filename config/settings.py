"""Settings by environment; every variable read here is listed in the README."""

from __future__ import annotations

import secrets

import environ
from csp.constants import NONE, SELF

from config import services
from config.logging import logging_settings
from records.api.addresses import read_proxies

env = environ.Env()
BASE_DIR = services.BASE_DIR
HEADRACE_HOME = services.home()

DEBUG = env.bool("DEBUG", default=False)
#: Served over https: secure cookies, HSTS, and plain http redirected.
SECURE = env.bool("SECURE", default=False)
# Without a key of its own a process signs with one nobody else knows: its sessions end with it (check config.W001).
SECRET_KEY = env.str("SECRET_KEY", default="") or services.secret("secret_key") or secrets.token_urlsafe(50)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
HEADRACE_SECRET_KEYS = env.list("HEADRACE_SECRET_KEYS", default=services.secret("headrace_secret_keys").split())
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

DATABASES = {"default": env.db_url_config(services.database_url())}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
STATEMENT_TIMEOUT = env.int("STATEMENT_TIMEOUT", default=0)
# Compiling just in time takes longer than running what it compiles: seconds for criteria of many filters.
session = ["-c jit=off", *([f"-c statement_timeout={STATEMENT_TIMEOUT}s"] if STATEMENT_TIMEOUT else [])]
options = DATABASES["default"].setdefault("OPTIONS", {})
options["options"] = " ".join([*([options["options"]] if "options" in options else []), *session])
REDIS_URL = services.redis_url()

INSTALLED_APPS = [
    "config",
    "crm",
    "workflows",
    "records",
    "config.admin_app.HeadraceAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "django_rq",
    "django_filters",
    "django_htmx",
    "anymail",
    "rest_framework",
    "drf_spectacular",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.receiving.Bounded",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "crm.middleware.UserTimeZone",
    "records.seeing.reading",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "crm.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

STATIC_URL = "static/"
#: Only for `collectstatic`, when another server than Headrace hands the static files out.
STATIC_ROOT = env.str("STATIC_ROOT", default=None)
MEDIA_ROOT = HEADRACE_HOME / "media"
WHITENOISE_USE_FINDERS = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=365 * 24 * 3600 if SECURE else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE and env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
#: Which proxies say truly where requests come from, and whether they came by https (records.api.addresses).
TRUST_PROXY = read_proxies(env.str("TRUST_PROXY", default=""))
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LOGGING = logging_settings(env.str("LOG_LEVEL", default="INFO"), env.str("LOG_FORMAT", default="text"))

PGTRIGGER_MIGRATIONS = False
PGTRIGGER_INSTALL_ON_MIGRATE = True

#: Who reads /metrics with it, besides super admins; without one they alone may.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

RQ_QUEUES = {
    name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300, "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("high", "bulk", "outside")
}
RQ = {"DEFAULT_RESULT_TTL": 0, "FAILURE_TTL": 7 * 24 * 3600, "WORKER_CLASS": "workflows.processes.worker.EngineWorker"}
#: How long a batch belongs to the worker that claimed it, and how long it may take before the worker is stopped.
WORKFLOW_LEASE_SECONDS = env.int("WORKFLOW_LEASE_SECONDS", default=30)
WORKFLOW_BATCH_SECONDS = env.int("WORKFLOW_BATCH_SECONDS", default=20)

#: How late a schedule's time may be fired that nobody was there for.
WORKFLOW_SCHEDULE_CATCH_UP_HOURS = env.int("WORKFLOW_SCHEDULE_CATCH_UP_HOURS", default=24)
#: Days for which the log of steps is kept, and events and changes, of which filters may need two years.
KEEP_STEP_LOG_DAYS = env.int("KEEP_STEP_LOG_DAYS", default=90)
#: Days for which mails and requests that were sent are kept, with what they said and what was answered.
KEEP_DELIVERIES_DAYS = env.int("KEEP_DELIVERIES_DAYS", default=90)
#: Days for which enrollments are kept after their end; 0 for ever. Filters may need two years of them, too.
KEEP_ENROLLMENTS_DAYS = env.int("KEEP_ENROLLMENTS_DAYS", default=0)
KEEP_EVENTS_DAYS = env.int("KEEP_EVENTS_DAYS", default=760)
KEEP_CHANGES_DAYS = env.int("KEEP_CHANGES_DAYS", default=760)
#: How many workflows there may be, and in how many of them metrics may be tracked; 0 for any number.
WORKFLOW_LIMIT = env.int("WORKFLOW_LIMIT", default=1000)
WORKFLOW_METRICS_LIMIT = env.int("WORKFLOW_METRICS_LIMIT", default=20)
#: Days for which deleted records can be restored; then they go for good, with what belongs to them.
KEEP_DELETED_DAYS = env.int("KEEP_DELETED_DAYS", default=90)
#: How many branches an if/then branching may have.
WORKFLOW_BRANCH_LIMIT = env.int("WORKFLOW_BRANCH_LIMIT", default=20)
#: Whether people's own JavaScript is run at all, how many seconds it may take, and how much at once in each process.
CUSTOM_CODE = env.bool("CUSTOM_CODE", default=True)
CUSTOM_CODE_SECONDS = env.float("CUSTOM_CODE_SECONDS", default=20)
CUSTOM_CODE_AT_ONCE = env.int("CUSTOM_CODE_AT_ONCE", default=2)
#: How many deliveries of a kind may leave: {"mail": "100/minute"}.
WORKFLOW_DELIVERY_LIMITS = env.dict("WORKFLOW_DELIVERY_LIMITS", default={})

#: The websites whose pages may tell of their visitors: hosts, with a leading dot also those below (“.example.com”).
TRACKING_DOMAINS = env.list("TRACKING_DOMAINS", default=[])
#: Nothing is told of a visitor who has not accepted cookies.
TRACKING_CONSENT_REQUIRED = env.bool("TRACKING_CONSENT_REQUIRED", default=True)
#: A day of the year, like 03-15, on which contacts become non-marketing besides the first of a month (MKT-06).
MARKETING_RENEWAL = env.str("MARKETING_RENEWAL", default="")
#: How long it is kept what visitors did whom nobody knows.
TRACKING_ANONYMOUS_DAYS = env.int("TRACKING_ANONYMOUS_DAYS", default=90)
#: How many requests of trackers one network address may send in ten seconds.
TRACKING_REQUEST_LIMIT = env.int("TRACKING_REQUEST_LIMIT", default=300)
#: How often one address may send a form in ten seconds.
FORM_SUBMISSIONS_PER_10_S = env.int("FORM_SUBMISSIONS_PER_10_S", default=10)
#: After how many days a browser may answer a survey with a shared link again (0: at once), and how many answers to one
#: survey are taken from one address in a day.
SURVEY_AGAIN_DAYS = env.int("SURVEY_AGAIN_DAYS", default=30)
SURVEY_ANSWERS_PER_DAY = env.int("SURVEY_ANSWERS_PER_DAY", default=50)

#: How many passwords may be wrong in ten minutes, for one account and from one network address (config.signing_in).
SIGN_IN_FAILURES_PER_ACCOUNT = env.int("SIGN_IN_FAILURES_PER_ACCOUNT", default=10)
SIGN_IN_FAILURES_PER_ADDRESS = env.int("SIGN_IN_FAILURES_PER_ADDRESS", default=50)

#: How many inbound webhooks there may be, how large their requests and how many in ten seconds, and how many days
#: each is kept in the log.
WEBHOOK_LIMIT = env.int("WEBHOOK_LIMIT", default=10)
WEBHOOK_BODY_LIMIT = env.int("WEBHOOK_BODY_LIMIT", default=262_144)
WEBHOOK_RATE_LIMIT = env.int("WEBHOOK_RATE_LIMIT", default=2_000)
WEBHOOK_LOG_DAYS = env.int("WEBHOOK_LOG_DAYS", default=30)
#: Where requests of the product itself may go: hosts of the operator's own network ("erp.internal:8443"), more ports
#: of public hosts, and whether public hosts may be asked without encryption.
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=[])
WEBHOOK_ALLOWED_PORTS = env.list("WEBHOOK_ALLOWED_PORTS", cast=int, default=[])
WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=False)
#: How often each action may ask an AI provider in a month.
AI_MONTHLY_LIMIT = env.int("AI_MONTHLY_LIMIT", default=3_000)
#: Settings of Anymail as a JSON object; with "WEBHOOK_SECRET" ("name:password") mail services may tell of mails.
ANYMAIL = env.json("ANYMAIL", default={})

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = HEADRACE_HOME / "mail"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="headrace@localhost")
#: Where people outside reach this installation: links in mails begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:{env.str('PORT', default='') or 8000}").rstrip("/")
#: The mail server of Django's SMTP backend. One that does not answer keeps a worker for so many seconds.
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)

#: The API's own behaviour (tokens, strict JSON, problem documents) is in records.api.views.
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Headrace API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    # The schemas are written by hand: nothing is to be renamed in them.
    "POSTPROCESSING_HOOKS": [],
}
