"""All settings of the console, in one place.

Everything that differs between machines is read from the environment, or from a file `.env`
beside `manage.py` (`ENV_FILE` names another one); variables of the environment win.
`docs/settings.md` lists them. Debugging is off unless `DEBUG=1`; `LOCAL` follows it.
"""

import fcntl
import os
import secrets
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import logs
from config.environment import BASE_DIR, read_environment

env = read_environment()

# Error pages with the inside of the program.
DEBUG = env.bool("DEBUG", default=False)
# A machine of one's own: the database and the secret key are made, addresses are plain HTTP,
# mail is printed. The demo is local, but shows its users the same error pages as production.
LOCAL = env.bool("LOCAL", default=DEBUG)
# The page of all components (config/components.py) answers developers only.
COMPONENTS_PAGE = DEBUG and env.bool("COMPONENTS_PAGE", default=False)

# What is kept on such a machine: the embedded database, the secret key, evidence files.
LOCAL_DIR = BASE_DIR / ".local"
if LOCAL:
    LOCAL_DIR.mkdir(mode=0o700, exist_ok=True)


def _required(name: str, meaning: str) -> str:
    """The value of a variable that production cannot do without."""
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set: it must hold {meaning} "
            "(or set DEBUG=1 on a development machine, where it is made for you)."
        )
    return value


def _secret_key() -> str:
    """The key from the environment; on a local machine, one that is made once and kept."""
    if not LOCAL or env.str("SECRET_KEY", default=""):
        return _required("SECRET_KEY", "a long random text that is kept secret")
    file = os.open(LOCAL_DIR / "secret_key", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(file, "r+") as key_file:
        # Processes that start together must all read what the first has written.
        fcntl.flock(key_file, fcntl.LOCK_EX)
        key = key_file.read()
        if not key:
            key = secrets.token_urlsafe(64)
            key_file.write(key)
            key_file.flush()
    return key


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    """The networks of a variable, such as `10.0.0.0/8`, separated by commas."""
    try:
        return [ip_network(text) for text in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if LOCAL else []
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- Parts ---------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "agents",
    "billing",
    "compliance",
    "accounts",
    "config.staff.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "heroicons",
    "pgtrigger",
    "procrastinate.contrib.django",
    "template_partials",
]

MIDDLEWARE = [
    "config.middleware.RequestLogMiddleware",
    "config.middleware.IsolationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Below the files, which are compressed already. It pads each page at random, so that its
    # length tells nothing (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.UserLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.replica.RecentChangeMiddleware",
    "accounts.middleware.SessionActivityMiddleware",
    "accounts.middleware.KnownDeviceMiddleware",
    "accounts.middleware.PrivatePagesMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.HtmxAnswerMiddleware",
    # Inside of it, so that where they lead is shown by the whole window.
    "accounts.middleware.SessionLimitMiddleware",
    "accounts.middleware.SamePersonMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "config.middleware.BusyMiddleware",
    # Last, so that its answers pass through all of the others.
    "config.middleware.ReadableRequestMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.console",
            ],
        },
    },
]
# Widgets and forms may be given templates of our own in `templates/`.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database ------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _database() -> dict[str, Any]:
    """The one database: what `DATABASE_URL` names, or the embedded one where there is none."""
    if LOCAL and not env.str("DATABASE_URL", default=""):
        # Not installed in production, and no part of it.
        from config import embedded_postgres  # noqa: PLC0415

        database = embedded_postgres.database_settings()
    else:
        _required("DATABASE_URL", "the address of a PostgreSQL database")
        database = dict(env.db_url("DATABASE_URL"))
    database = _connected(database, "DATABASE_URL")
    # A name of its own lets several test runs go side by side on one server.
    database["TEST"] = {"NAME": env.str("TEST_DATABASE_NAME", default="test_tccc")}
    return database


def _connected(database: dict[str, Any], variable: str) -> dict[str, Any]:
    """Add to an address, which came from `variable`, how the console connects to it."""
    if database["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            f"The console runs on PostgreSQL only: {variable} must begin with postgres://."
        )
    # Merged, not assigned: OPTIONS may hold what the address said, such as a socket's folder.
    options = database.setdefault("OPTIONS", {})
    options.setdefault("application_name", "tccc-console")
    options["server_side_binding"] = env.bool("DATABASE_SERVER_SIDE_BINDING", default=False)
    if options["server_side_binding"]:
        # Django turns the driver's own habit off: prepare what a connection sends repeatedly.
        options.setdefault("prepare_threshold", 5)
    # A host that is gone without a word is noticed within seconds, not minutes.
    options.setdefault("connect_timeout", 5)
    options.setdefault("tcp_user_timeout", 15_000)
    # Also one that took a query and is to answer: nothing is under way to it that could be missed.
    options.setdefault("keepalives_idle", 10)
    options.setdefault("keepalives_interval", 5)
    # PgBouncer in transaction mode lends a connection for one transaction: it takes no options
    # at the start (the role has them instead), and a cursor does not outlive a transaction.
    is_lent = env.bool("DATABASE_TRANSACTION_POOLING", default=False)
    database["DISABLE_SERVER_SIDE_CURSORS"] = is_lent
    # How long a command waits for a locked row; the web processes wait for LOCK_WAIT_SECONDS.
    lock_timeout = "" if is_lent else env.str("DATABASE_LOCK_TIMEOUT", default="10s")
    if lock_timeout:
        options["options"] = f"{options.get('options', '')} -c lock_timeout={lock_timeout}".strip()
    pool_size = env.int("DATABASE_POOL_SIZE", default=0)
    if pool_size:
        # A pool keeps connections itself, so Django must not.
        # It gives up on a database that is away after a few seconds, and begins again with the
        # next request; its own pauses would grow to minutes.
        options["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": 3,
            "reconnect_timeout": 3,
        }
        database["CONN_MAX_AGE"] = 0
    else:
        database["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=0 if is_lent else 60)
    # A connection that a restart of the database broke is replaced before it is used.
    database["CONN_HEALTH_CHECKS"] = True
    return database


DATABASES = {"default": _database()}
# The role that owns the tables, for `migrate`. Web processes and workers log in as lesser ones.
DATABASE_OWNER: dict[str, Any] = {}
if env.str("DATABASE_OWNER_URL", default=""):
    DATABASE_OWNER = _connected(dict(env.db_url("DATABASE_OWNER_URL")), "DATABASE_OWNER_URL")
# A streaming replica, from which lists, exports and statements are read (accounts/replica.py).
if env.str("DATABASE_REPLICA_URL", default=""):
    _address = dict(env.db_url("DATABASE_REPLICA_URL"))
    DATABASES["replica"] = _connected(_address, "DATABASE_REPLICA_URL")
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
    DATABASE_ROUTERS = ["accounts.replica.ReplicaRouter"]
# A replica that is further behind is not read. People who change something read from the primary
# for as long.
REPLICA_MAX_LAG_SECONDS = env.int("REPLICA_MAX_LAG_SECONDS", default=5)

# How long a page's request waits for a row that is locked, and how many wait at a time in each web
# process: for the same row, and in all, which leaves half of the threads and connections to others.
WEB_THREADS = env.int("WEB_THREADS", default=8)
LOCK_WAIT_SECONDS = env.float("LOCK_WAIT_SECONDS", default=2)
LOCK_WAITERS_PER_PROCESS = max(
    1, min(WEB_THREADS, env.int("DATABASE_POOL_SIZE", default=0) or WEB_THREADS) // 2
)
LOCK_WAITERS_PER_ROW = env.int("LOCK_WAITERS_PER_ROW", default=2)

# Throttling works with no service beside the database; `CACHE_URL` names a shared cache
# where there is one.
CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://cache")}
if "DatabaseCache" in CACHES["default"]["BACKEND"]:
    # Beyond this, expired counters are deleted, and then others: a few hundred, the default, would
    # let anyone who tries many addresses make the throttle forget.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 20_000)

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = env.int("SESSION_AGE_HOURS", default=12) * 3600
# However busy it is, a session ends this long after its sign-in.
SESSION_LIMIT_DAYS = env.int("SESSION_LIMIT_DAYS", default=7)
STAFF_SESSION_LIMIT_HOURS = env.int("STAFF_SESSION_LIMIT_HOURS", default=12)
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

# --- Sign-in -------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.signup.SignupForm",
    "login": "accounts.forms.sign_in.LoginForm",
    "reset_password": "accounts.forms.sign_in.ResetPasswordForm",
    "add_email": "accounts.forms.sign_in.AddEmailForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# Only in the browser that signed up; in another, the password is asked for.
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# A code sent by email would confirm a person only by the mailbox that a reset uses as well.
ACCOUNT_REAUTHENTICATION_METHODS = ["password", "mfa"]
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_FORMS = {
    "login_webauthn": "accounts.forms.passkeys.LoginWebAuthnForm",
    "authenticate_webauthn": "accounts.forms.passkeys.AuthenticateWebAuthnForm",
    "reauthenticate_webauthn": "accounts.forms.passkeys.ReauthenticateWebAuthnForm",
    "add_webauthn": "accounts.forms.passkeys.AddWebAuthnForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "TCCC"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL
USERSESSIONS_TRACK_ACTIVITY = True
# Staff set up a second factor before they reach the administration.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=not LOCAL)

# --- What a browser is told ----------------------------------------------------------------

HTTPS = env.bool("HTTPS", default=not LOCAL)
SECURE_SSL_REDIRECT = HTTPS
# A load balancer's probes and the collector of metrics come over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
# Browsers take a cookie of this prefix from the very host alone, over HTTPS alone.
_HOST_ONLY = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_HOST_ONLY}session"
CSRF_COOKIE_NAME = f"{_HOST_ONLY}csrf"
REPLICA_COOKIE_NAME = f"{_HOST_ONLY}changed"
DEVICE_COOKIE_NAME = f"{_HOST_ONLY}device"
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=True)
SECURE_REFERRER_POLICY = "same-origin"
if env.bool("TRUST_PROXY", default=False):
    # Only behind a proxy that sets these headers itself; otherwise a client could forge them.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=1)
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        # The picture of a one-time password's secret is a data address.
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Files ---------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Locally, files are served from where they are written, with nothing to collect.
WHITENOISE_USE_FINDERS = LOCAL
if LOCAL:
    STATIC_ROOT = LOCAL_DIR / "static"
    STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    # Files that prove violations; several hosts share a folder, or a storage class of their own.
    "evidence": {
        "BACKEND": env.str(
            "EVIDENCE_STORAGE", default="django.core.files.storage.FileSystemStorage"
        ),
        "OPTIONS": env.json(
            "EVIDENCE_STORAGE_OPTIONS",
            default={"location": env.str("EVIDENCE_DIR", default=str(LOCAL_DIR / "evidence"))},
        ),
    },
}
# Nothing but a form's own files may be large; an import of agents is the largest.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- Language and time ---------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
# Days begin and end in this zone, and screens show it. The database stores UTC all the same.
BILLING_TIME_ZONE = env.str("BILLING_TIME_ZONE", default="Asia/Shanghai")
TIME_ZONE = BILLING_TIME_ZONE

# --- Mail ----------------------------------------------------------------------------------

vars().update(
    env.email_url("EMAIL_URL", default="consolemail://" if LOCAL else "smtp://localhost:25")
)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="TCCC console <noreply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Where links in mail lead that no request is at hand for.
CONSOLE_URL = env.str(
    "CONSOLE_URL",
    default=f"http://localhost:{env.str('PORT', default='8000')}"
    if LOCAL
    else f"{'https' if HTTPS else 'http'}://{(ALLOWED_HOSTS or ['localhost'])[0].lstrip('.*')}",
)
EMAIL_TIMEOUT = 10
# On a machine of one's own, mail about signing in is tried as soon as it is queued, so that it
# needs no second program there. Elsewhere workers send it, or `send_notifications`.
MAIL_AT_ONCE = env.bool("MAIL_AT_ONCE", default=LOCAL)

# --- Background jobs -----------------------------------------------------------------------

# Threads that each worker has for quick jobs, such as mail, and as many for long ones.
WORKER_THREADS = env.int("WORKER_THREADS", default=2)
# How often a worker says that it lives. After three times as long without a word, its jobs are
# given to others.
WORKER_HEARTBEAT_SECONDS = env.float("WORKER_HEARTBEAT_SECONDS", default=10)
# How often a worker looks for jobs without being told of one. Usually the database tells it of
# each, but through PgBouncer in transaction mode it cannot.
WORKER_POLL_SECONDS = env.float("WORKER_POLL_SECONDS", default=5)
WORKER_LISTENS = not env.bool("DATABASE_TRANSACTION_POOLING", default=False)
# How long jobs that failed or were canceled can be looked up.
JOB_KEEP_DAYS = env.int("JOB_KEEP_DAYS", default=30)
# When workers start periodic tasks, as cron writes it, in UTC.
OUTBOX_CRON = env.str("OUTBOX_CRON", default="* * * * *")
SWEEP_CRON = env.str("SWEEP_CRON", default="*/10 * * * *")
REMINDER_CRON = env.str("REMINDER_CRON", default="7 * * * *")
VERIFY_CRON = env.str("VERIFY_CRON", default="30 19 * * *")
PURGE_CRON = env.str("PURGE_CRON", default="45 19 * * *")
JOB_RESCUE_CRON = env.str("JOB_RESCUE_CRON", default="* * * * *")
JOB_CLEANUP_CRON = env.str("JOB_CLEANUP_CRON", default="15 19 * * *")

# --- Logs ----------------------------------------------------------------------------------

LOGGING = logs.configuration(
    style=env.str("LOG_FORMAT", default="text" if LOCAL else "json"),
    level=env.str("LOG_LEVEL", default="INFO"),
    tracebacks=DEBUG,
)

# --- Metrics -------------------------------------------------------------------------------

# Who may read `/metrics`: clients that fit all of these that are set, and none where neither is.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = _networks("METRICS_NETWORKS")

# --- Faults and traces -----------------------------------------------------------------------

# Where they are sent, besides the log; both need the packages of `requirements/extras.txt`.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
TRACES_URL = env.str("TRACES_URL", default="")
# The part of all requests that is traced, from 0 to 1.
TRACES_SHARE = env.float("TRACES_SHARE", default=0.1)

# --- Business policy -----------------------------------------------------------------------
# Numbers that the business may change without a release.

# Full refund: the last local day counted from the day of payment, and what asks for a person.
REFUND_WINDOW_DAYS = env.int("REFUND_WINDOW_DAYS", default=5)
REFUND_REVIEW_ASKS = env.int("REFUND_REVIEW_ASKS", default=2)
REFUND_REVIEW_DAYS = env.int("REFUND_REVIEW_DAYS", default=30)

# Buying.
QUOTE_LIFETIME_MINUTES = env.int("QUOTE_LIFETIME_MINUTES", default=15)
ORDER_LIFETIME_HOURS = env.int("ORDER_LIFETIME_HOURS", default=24)
ORDER_LICENSE_LIMIT = env.int("ORDER_LICENSE_LIMIT", default=10_000)

# Naming other accounts as payers: different UINs, and orders that strangers have not paid, a day.
PAYER_NAMES_DAILY_LIMIT = env.int("PAYER_NAMES_DAILY_LIMIT", default=20)
PAYMENT_REQUEST_DAILY_LIMIT = env.int("PAYMENT_REQUEST_DAILY_LIMIT", default=10)

# Packages that expire within this time are ticked where several are renewed.
RENEWAL_DUE_DAYS = env.int("RENEWAL_DUE_DAYS", default=30)
# Packages that expire within this time are named on the first pages of customers and staff.
EXPIRING_SOON_DAYS = env.int("EXPIRING_SOON_DAYS", default=7)

# A package's life.
ISOLATION_DAYS = env.int("ISOLATION_DAYS", default=7)
SUSPENSION_GRACE_DAYS = env.int("SUSPENSION_GRACE_DAYS", default=7)
AUTO_RENEWAL_LEAD_HOURS = env.int("AUTO_RENEWAL_LEAD_HOURS", default=24)
# Days before (negative) and after the expiry on which members are reminded.
REMINDER_DAYS = env.list("REMINDER_DAYS", cast=int, default=[-7, -5, -3, -1, 1, 3, 5, 7])

# Accounts and applications.
# What the list of applications tells of each, a function of a higher layer.
APPLICATION_STANDINGS = "config.start.standings.read_application_rows"
APPLICATION_LIMIT = env.int("APPLICATION_LIMIT", default=20)
ACCOUNT_LIMIT = env.int("ACCOUNT_LIMIT", default=20)
INVITATION_LIFETIME_DAYS = env.int("INVITATION_LIFETIME_DAYS", default=7)
INVITATION_DAILY_LIMIT = env.int("INVITATION_DAILY_LIMIT", default=100)
# A second person has had their sign-in and rights, and nothing to do with the first one's, for
# this long.
SECOND_PERSON_HOURS = env.int("SECOND_PERSON_HOURS", default=24)
# What one person prepared waits this long for a second one.
PROPOSAL_DAYS = env.int("PROPOSAL_DAYS", default=14)
# What one person alone may give an account in a day; beyond it, a second person is needed.
CREDIT_APPROVAL_THRESHOLD = Decimal(env.str("CREDIT_APPROVAL_THRESHOLD", default="10000.00"))

# Agents.
# Who holds a license, for the pages where a customer chooses which licenses end.
LICENSE_HOLDERS = "agents.services.holders.find_license_holders"
AGENT_IMPORT_LIMIT = env.int("AGENT_IMPORT_LIMIT", default=10_000)
# An act on more agents than this, or an import of more rows, is carried out by a background job.
AGENTS_CHANGED_AT_ONCE = env.int("AGENTS_CHANGED_AT_ONCE", default=1_000)

# Files.
# What can be exported in the background, objects of higher layers by the names of their kinds.
EXPORTS = {
    "agents": "agents.services.exports.AGENTS",
    "statement": "billing.wallet.exports.STATEMENT",
}
# An export of more rows than this is made by a background job.
EXPORTED_AT_ONCE = env.int("EXPORTED_AT_ONCE", default=10_000)

# Compliance.
WARNING_STANDING_DAYS = env.int("WARNING_STANDING_DAYS", default=365)
APPEAL_WINDOW_DAYS = env.int("APPEAL_WINDOW_DAYS", default=7)
APPEAL_LIMIT = env.int("APPEAL_LIMIT", default=2)
EVIDENCE_MAX_BYTES = env.int("EVIDENCE_MAX_BYTES", default=10 * 1024 * 1024)
# What the files that a customer sends may take up: in 24 hours, and in all.
EVIDENCE_DAILY_BYTES = env.int("EVIDENCE_DAILY_BYTES", default=200 * 1024 * 1024)
EVIDENCE_ACCOUNT_BYTES = env.int("EVIDENCE_ACCOUNT_BYTES", default=1024**3)
CONNECTION_REQUEST_DAILY_LIMIT = env.int("CONNECTION_REQUEST_DAILY_LIMIT", default=20)

# How long is kept what no one needs any more: news, mail that was sent or given up, and invitations
# that no one accepted.
NOTIFICATION_RETENTION_DAYS = env.int("NOTIFICATION_RETENTION_DAYS", default=365)
MAIL_RETENTION_DAYS = env.int("MAIL_RETENTION_DAYS", default=30)
INVITATION_RETENTION_DAYS = env.int("INVITATION_RETENTION_DAYS", default=90)
# And what is left of work that jobs have done, exported files, files that were sent but not
# imported, and people
# who signed up but never confirmed their address.
FINISHED_WORK_RETENTION_DAYS = env.int("FINISHED_WORK_RETENTION_DAYS", default=90)
EXPORT_RETENTION_DAYS = env.int("EXPORT_RETENTION_DAYS", default=7)
IMPORT_FILE_RETENTION_HOURS = env.int("IMPORT_FILE_RETENTION_HOURS", default=24)
SIGN_UP_RETENTION_DAYS = env.int("SIGN_UP_RETENTION_DAYS", default=30)

# Operation: `/readyz` says so when the last sweep is older than this.
SWEEP_STALE_MINUTES = env.int("SWEEP_STALE_MINUTES", default=60)
# The administration's first page marks work that has waited longer as overdue.
STAFF_ANSWER_DAYS = env.int("STAFF_ANSWER_DAYS", default=3)
# What the account's page in the administration shows, a function of the highest layer.
ACCOUNT_SECTIONS = "config.staff.customer.read_customer"
