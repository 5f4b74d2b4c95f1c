"""Settings that no environment variable changes: the API, its schema and the logs."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.people.authentication.PrincipalAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["lastmile.core.http.deny.DenyAll"],
    "DEFAULT_PARSER_CLASSES": ["lastmile.core.http.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["lastmile.core.http.throttle.CallerThrottle"],
    "DEFAULT_SCHEMA_CLASS": "lastmile.core.openapi.LastmileSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "lastmile.core.http.problems.drf_exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
    "COMPACT_JSON": True,
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Lastmile",
    "DESCRIPTION": "The delivery operating system that retailers run themselves.",
    "VERSION": "1",
    "SERVERS": [{"url": "/", "description": "The retailer's own host."}],
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": True,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "PREPROCESSING_HOOKS": ["lastmile.core.openapi.only_v1"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "lastmile.core.events_reference.add_webhooks",
    ],
    # Without these names, a second field called "role" would rename the schema of the first.
    "ENUM_NAME_OVERRIDES": {
        "MemberRole": "tenants.people.api.shapes.MEMBER_ROLES",
        "KeyRole": "tenants.people.api.shapes.KEY_ROLES",
        "OperationState": "tenants.people.api.shapes.OPERATION_STATES",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- Logs: one line per message on stderr, secrets removed -----------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "house": {
            "()": "lastmile.core.logs.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "house"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # The caller reads why a request is refused. At WARNING the log would fill with the
        # callers' mistakes.
        "django.request": {"level": "ERROR"},
        # Uvicorn sets up its own handlers, which do not hide secrets. These replace them.
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "uvicorn.access": {"handlers": ["stderr"], "propagate": False},
    },
}
