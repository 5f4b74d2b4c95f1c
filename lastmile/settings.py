"""The Django settings, read from environment variables (CONTRACT section 2).

Without any variable Lastmile runs on localhost with the embedded servers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from lastmile import assets, env
from lastmile.embedded import urls
from lastmile.embedded.folders import Folders
from lastmile.fixed_settings import LOGGING as LOGGING
from lastmile.fixed_settings import REST_FRAMEWORK as REST_FRAMEWORK
from lastmile.fixed_settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.text("LASTMILE_VAR", str(BASE_DIR / "var"))).resolve()

# --- Apps and wiring -------------------------------------------------------------------------
# Shared tables are in schema `public`; a retailer's tables are in the retailer's own schema.
# An app must not be in both lists; a start-up check compares the tables.
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "lastmile.worklist",
]
TENANT_APPS = [
    "django.contrib.contenttypes",  # django_tenants' backend imports it; Lastmile does not use it
    "lastmile.core",
    "tenants.people",
    "dispatch.fleet",
    "dispatch.orders",
    "dispatch.intake",
    "dispatch.planning",
    "dispatch.slots",
    "dispatch.live",
    "lockers",
    "notifications",
    "portal.shopper",
    "portal.choice",
    "portal.tracking",
]
APPS_WITHOUT_TABLES = [  # commands, templates, static files
    "lastmile.embedded",
    "dispatch",
    "dispatch.roads",
    "dispatch.console",
    "dispatch.driver",
    "portal",
    "portal.home",
    "portal.feedback",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
INSTALLED_APPS = [
    *SHARED_APPS,
    *[a for a in TENANT_APPS if a not in SHARED_APPS],
    *APPS_WITHOUT_TABLES,
]

SWITCHBOARD = "lastmile.switchboard"  # event kinds, handlers, jobs and rolls; core reads it
NAVIGATION = "lastmile.navigation"  # MENU, STATUSES, STEPS and PANELS of the pages
ACTS = "tenants.permissions.Act"  # the permissions that navigation may name
SCHEDULE = "lastmile.schedule"
BROKER_APP = "lastmile.celery"
RETAILERS = "tenants.selectors"  # find(schema), active(): core looks up retailers through it
TENANT_MODEL = "tenants.Retailer"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_URLCONF = "lastmile.urls_public"
ROOT_URLCONF = "lastmile.urls"
ASGI_APPLICATION = "lastmile.asgi.application"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

DEBUG = env.flag("DEBUG", False)
BASE_DOMAIN = env.text("BASE_DOMAIN", "localhost")
PUBLIC_SCHEME = env.text("PUBLIC_SCHEME", "http")
PORT = env.number("PORT", 8000, least=1, most=65535)
LOCAL = BASE_DOMAIN == "localhost"
# The port in absolute addresses, if a proxy listens on an unusual one (tenants/links.py).
PUBLIC_PORT = env.number("PUBLIC_PORT", 0, most=65535)
# On localhost the default follows from the data folder, so sessions survive a restart.
SECRET_KEY = env.secret(
    "SECRET_KEY", hashlib.sha256(f"lastmile:{VAR}".encode()).hexdigest() if LOCAL else None
)
# Encryption and HMAC of stored values: the first key writes, all keys read
# (lastmile/core/keys.py). On localhost without FIELD_KEYS a random key is created in a file. It is
# never derived from SECRET_KEY.
FIELD_KEYS = env.keys("FIELD_KEYS", env.secret("FIELD_KEYS", "" if LOCAL else None))
FIELD_KEYS_LAPTOP_FILE = VAR / "field-keys"
if SECRET_KEY in FIELD_KEYS:
    raise env.BadEnvironment("FIELD_KEYS contains SECRET_KEY. Use a different random key.")
ALLOWED_HOSTS = ["*"]  # RetailerMiddleware answers 404 for every host without a Domain row
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
# Shoppers' pages have languages of their own; the pages of members have LANGUAGES.
SHOPPER_LANGUAGES = [*LANGUAGES, ("ar", "العربية")]
SHOPPER_LANGUAGE_COOKIE = "lastmile_shopper_language"
SHOPPER_PATH = "/t/"  # the address of every page of a shopper: /t/<secret>/…
OPT_OUT_PATH = "/u/"  # the address of the page that ends messages: /u/<secret>/
DRIVER_PATH = "/driver/"  # the address of the driver's app
TELL_POSITIONS = True  # the web process that took positions tells open boards (dispatch.live)
POSITIONS_PATH = "/api/v1/positions/"  # the app of a driver sends positions to the API
DRIVER_LOGIN_PATH = "/driver/login/"  # the pages that log a phone in: /driver/login/<secret>/
SECRET_PATHS = (SHOPPER_PATH, OPT_OUT_PATH, DRIVER_LOGIN_PATH)
# Answers under these addresses are read by shoppers or drivers, in more languages than staff have.
SHOPPER_PATHS = [
    *SECRET_PATHS,
    DRIVER_PATH,
    "/api/v1/delivery-options/",
    "/api/v1/holds/",
    "/api/v1/choices/",
]
LOCALE_PATHS = [BASE_DIR / "lastmile" / "locale"]
USE_I18N = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.messages.context_processors.messages",
                "lastmile.core.context.look",
            ]
        },
    }
]
# --- Static files and content security policy -------------------------------------------------
STATIC_URL = f"/static/{'dev' if DEBUG else assets.version(BASE_DIR)}/"
STATICFILES_DIRS: list[str] = []
# No collectstatic: WhiteNoise serves the files from the app folders, under the version above.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600
WHITENOISE_IMMUTABLE_FILE_TEST = assets.never_changes if not DEBUG else assets.may_change
BASEMAP_STYLE_URL = env.text("BASEMAP_STYLE_URL", "")  # a MapLibre style instead of our streets
_BASEMAP = ["{0.scheme}://{0.netloc}".format(urlsplit(BASEMAP_STYLE_URL))] * bool(BASEMAP_STYLE_URL)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:", *_BASEMAP],  # MapLibre draws through data: and blob:
        "font-src": [SELF],
        "connect-src": [SELF, *_BASEMAP],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
LANGUAGE_COOKIE_NAME = "language"


# --- Servers (unset = the embedded ones: lastmile/embedded/urls.py) ---------------------------
_URLS = urls.resolve(VAR)
SOCKET_FOLDER = Folders(VAR).run  # a start-up check refuses it if other users may enter it
# `manage.py up` and deploy/ set 5 s for the web processes; workers and commands keep 60 s.
STATEMENT_TIMEOUT_S = env.number("STATEMENT_TIMEOUT_S", 60)
_CONNECTION = urls.database(_URLS["DATABASE_URL"])
DATABASES = {
    "default": {
        **_CONNECTION,
        "ENGINE": "lastmile.core.postgres",
        # Under ASGI, persistent connections leak (138 and growing were seen). The pool does not.
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # An open session whose packets get lost ends after 10 s, or 25 s if it waits for a
            # result. Without these it would wait for minutes or for ever. Chosen.
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            **_CONNECTION["OPTIONS"],
            "pool": {"min_size": 1, "max_size": 10, "timeout": 20},
            "application_name": "lastmile",
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c lock_timeout=3s "
                "-c idle_in_transaction_session_timeout=30s"
            ),
        },
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _URLS["CACHE_URL"],
        "KEY_PREFIX": "lm",
        "TIMEOUT": 300,
        "KEY_FUNCTION": "lastmile.core.tenancy.cache_key_function",
    }
}
CHANNEL_LAYERS = {
    "default": {
        # Publish/subscribe may lose messages and has no queues to tune. A client that sees a gap
        # fetches the state again.
        "BACKEND": "lastmile.core.channel_layer.ChannelLayer",
        "CONFIG": {"hosts": [_URLS["CHANNEL_URL"]], "prefix": "lm"},
    }
}

# --- Celery: the broker carries hints; PostgreSQL stores the work ------------------------------
# At least four times the longest task (330 s); with less, the broker would deliver it twice.
VISIBILITY_TIMEOUT_S = 1800
CELERY_BROKER_URL = _URLS["BROKER_URL"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2  # seconds that a request waits to publish a hint
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": VISIBILITY_TIMEOUT_S,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "max_retries": 1,  # one quick retry; without this a dead broker costs each hint 2 s
    "interval_start": 0,
    "interval_step": 0.05,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": "lm:",
}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True  # attempts are counted in PostgreSQL
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_TIME_LIMIT = 30
CELERY_TASK_SOFT_TIME_LIMIT = 25
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_DISABLE_PREFETCH = True

# --- Jobs --------------------------------------------------------------------------------------
# Seconds without a heartbeat after which a worker loses its job.
JOB_LEASE_S = env.number("LIMIT_JOB_LEASE_S", 60, least=1)

# --- Solving -----------------------------------------------------------------------------------
# One locked file for each solve that runs on this machine (dispatch/solver/process/cores.py).
SOLVING_FOLDER = VAR / "solving"
# Travel times between the places of each day (dispatch/planning/boards/files.py). They only save
# time: a machine that misses them computes them again.
DAYS_FOLDER = VAR / "days"
SOLVE_CORES = env.number("SOLVE_CORES", 0, most=1024)  # 0: every core this process may use
SOLVE_SPREAD = env.number("SOLVE_SPREAD", 1, least=1, most=1024)  # parts solved at the same time
SOLVE_SPREAD_FROM = env.number("SOLVE_SPREAD_FROM", 3000, least=500)  # visits that a plan has

# Photos and signatures of deliveries (lastmile/core/storage.py): a bucket, or a folder that every
# web process and worker shares.
STORAGE_BUCKET = env.bucket("STORAGE_URL")
STORAGE_FOLDER = VAR / "storage" if STORAGE_BUCKET else env.folder("STORAGE_URL", VAR / "storage")

# --- External systems -------------------------------------------------------------------------
ROADS_URL = env.address("ROADS_URL")  # OSRM or Valhalla; unset: the embedded street network
GEOCODER_URL = env.address("GEOCODER_URL")  # Nominatim's search API; unset: the loaded streets
# Networks that may be called though they are private (lastmile/core/egress.py).
EGRESS_ALLOW = env.networks("EGRESS_ALLOW")
# The installation's Twilio account, which every retailer may use. A retailer's own account is in
# its tables (notifications/models/accounts.py). TWILIO_API_BASE replaces Twilio's addresses.
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID", "")
TWILIO_API_KEY = env.text("TWILIO_API_KEY", "")
TWILIO_API_SECRET = env.secret("TWILIO_API_SECRET", "")
TWILIO_AUTH_TOKEN = env.secret("TWILIO_AUTH_TOKEN", "")
TWILIO_MESSAGING_SERVICE_SID = env.text("TWILIO_MESSAGING_SERVICE_SID", "")
TWILIO_API_BASE = env.address("TWILIO_API_BASE", https_only=not LOCAL)
# Replaces the addresses of networks of lockers (lockers/vendors), by their name. For tests: a demo
# or sandbox never reaches a network.
LOCKER_VENDOR_URLS: dict[str, str] = {}
# The mail server of the installation. A retailer may use it, or a server of its own.
EMAIL_SERVER = env.mail_url("EMAIL_URL")

# --- Limits (LIMIT_*): a request above one is answered 413 or 422, and the answer states it -----
LIMIT_IMPORT_BYTES = env.number("LIMIT_IMPORT_BYTES", 20 * 1024 * 1024, least=1)
LIMIT_IMPORT_ROWS = env.number("LIMIT_IMPORT_ROWS", 20_000, least=1)
LIMIT_BOARDS_MB = env.number("LIMIT_BOARDS_MB", 384, least=16)  # of days kept in each process
# Seconds after which a silent message is asked about at its provider for the first time.
LIMIT_MESSAGE_POLL_S = env.number("LIMIT_MESSAGE_POLL_S", 600, least=1)
# Messages: calls to providers at the same time, and seconds that one call may take.
LIMIT_MESSAGE_CALLS = env.number("LIMIT_MESSAGE_CALLS", 96, least=1, most=1000)
LIMIT_MESSAGE_CALL_S = env.number("LIMIT_MESSAGE_CALL_S", 10, least=1, most=15)
LIMIT_SOLVE_MEMORY_MB = env.number("LIMIT_SOLVE_MEMORY_MB", 4096, least=256)

# --- Requests: middleware, sessions, cookies, authentication ----------------------------------
SEEDING_MARK = VAR / "seeding"  # exists while `up --demo` adds the first data; /readyz answers 503
HTTPS = PUBLIC_SCHEME == "https"
_HOST_ONLY = "__Host-" if HTTPS else ""  # browsers refuse such a cookie from another subdomain
TRUSTED_PROXIES = [net for net in env.text("TRUSTED_PROXIES", "").replace(",", " ").split() if net]
MIDDLEWARE = [
    "lastmile.core.http.health.HealthMiddleware",  # any Host, no retailer
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # files need no retailer
    "lastmile.core.http.headers.HeadersMiddleware",
    "lastmile.core.http.headers.BrandedPolicyMiddleware",
    "tenants.middleware.RetailerMiddleware",
    "tenants.people.cors.ShopOriginsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "tenants.people.middleware.PrincipalMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.shopper.middleware.ShopperMiddleware",
    "lastmile.core.http.pages.ProblemMiddleware",
]
DIRECT_MIDDLEWARE = [  # of the views that programs call often (lastmile.core.http.direct)
    "django.middleware.security.SecurityMiddleware",
    "lastmile.core.http.headers.HeadersMiddleware",
    "tenants.middleware.RetailerMiddleware",
]
SESSION_ENGINE = "tenants.people.sessions"
SESSION_COOKIE_NAME = f"{_HOST_ONLY}sid"
DRIVER_COOKIE_NAME = f"{_HOST_ONLY}driver"  # the key of a driver's phone (dispatch.live)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = f"{_HOST_ONLY}csrf"
CSRF_FAILURE_VIEW = "lastmile.core.http.pages.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and not LOCAL
SECURE_SSL_REDIRECT = False  # the proxy redirects; /healthz must answer over HTTP behind it
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
USE_X_FORWARDED_HOST = False  # with True, a caller could choose the retailer by this header
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = env.number("LIMIT_BODY_BYTES", 1_048_576, least=1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_PERMISSIONS = 0o600
APPEND_SLASH = False  # a redirected POST loses its body; core.http.pages redirects GETs only

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {
        "NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]

LIMIT_API_PER_MINUTE = env.number("LIMIT_API_PER_MINUTE", 1200, least=1)
# Calls with checkout keys, which anybody can read. PostgreSQL counts them (core/limits.py).
LIMIT_CHECKOUT_KEY_PER_MINUTE = env.number("LIMIT_CHECKOUT_KEY_PER_MINUTE", 3000, least=1)
LIMIT_CHECKOUT_ADDRESS_PER_MINUTE = env.number("LIMIT_CHECKOUT_ADDRESS_PER_MINUTE", 120, least=1)
LIMIT_CHECKOUT_HOLDS_PER_HOUR = env.number("LIMIT_CHECKOUT_HOLDS_PER_HOUR", 60, least=1)
# POSTs of shoppers' pages, by link and by network address; counted in the same way.
LIMIT_SHOPPER_LINK_PER_MINUTE = env.number("LIMIT_SHOPPER_LINK_PER_MINUTE", 60, least=1)
LIMIT_SHOPPER_ADDRESS_PER_MINUTE = env.number("LIMIT_SHOPPER_ADDRESS_PER_MINUTE", 240, least=1)
# Open websockets in a process, by kind of caller: of a retailer, and of one caller.
LIMIT_SOCKETS_PER_RETAILER = env.number("LIMIT_SOCKETS_PER_RETAILER", 600, least=1)  # of staff
LIMIT_DRIVER_SOCKETS_PER_RETAILER = env.number("LIMIT_DRIVER_SOCKETS_PER_RETAILER", 600, least=1)
LIMIT_SOCKETS_PER_DEVICE = env.number("LIMIT_SOCKETS_PER_DEVICE", 10, least=1)
LIMIT_SHOPPER_SOCKETS_PER_RETAILER = env.number("LIMIT_SHOPPER_SOCKETS_PER_RETAILER", 3000, least=1)
LIMIT_SOCKETS_PER_SHOPPER_LINK = env.number("LIMIT_SOCKETS_PER_SHOPPER_LINK", 10, least=1)
SHOPPER_SOCKET_PATH = "/ws/v1/track/"  # the address of a shopper's socket: …<secret>/
SOCKET_GATE = "tenants.gate.SocketGate"
SOCKET_ROUTES = [  # lists of websocket routes; the last one answers 4404
    "dispatch.ws.routes",
    "portal.ws.routes",
    "tenants.ws.nothing_here",
]
