"""One file, read from the environment (CONTRACT section 2); unset means embedded and local."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lastmile import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.text("LASTMILE_VAR", str(BASE_DIR / "var"))).resolve()

# --- The house -------------------------------------------------------------------------------
# Shared tables live in schema `public`; a retailer's tables live in the retailer's own schema.
# No model stands in both lists; a boot check compares them.
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "lastmile.worklist",
]
TENANT_APPS = [
    "django.contrib.contenttypes",  # django_tenants' backend imports it; nothing of ours uses it
    "lastmile.core",
    "tenants.people",
    "dispatch.fleet",
    "dispatch.orders",
    "dispatch.intake",
    "dispatch.planning",
]
HOUSE_APPS = [  # no tables: commands, templates, static files
    "lastmile.embedded",
    "dispatch",
    "dispatch.roads",
    "dispatch.console",
    "portal",
    "portal.home",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
INSTALLED_APPS = [*SHARED_APPS, *[a for a in TENANT_APPS if a not in SHARED_APPS], *HOUSE_APPS]

RETAILERS = "tenants.selectors"  # find(schema), active(): the one name by which core finds retailers
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
# The laptop default is derived from the data folder, so that sessions outlive a restart.
SECRET_KEY = env.secret(
    "SECRET_KEY", hashlib.sha256(f"lastmile:{VAR}".encode()).hexdigest() if LOCAL else None
)
ALLOWED_HOSTS = ["*"]  # TenantMiddleware answers 404 for every host without a Domain row
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
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
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS: list[str] = []

