"""Django's settings, composed from the environment and the rooms."""

from __future__ import annotations

import os

from bonanca.config import environment
from bonanca.config.rooms import ROOMS
from bonanca.kernel.keepalive import KEEPALIVE, SERVER_OPTIONS

SECRET_KEY = environment.secret_key()
DEBUG = environment.flag("BONANCA_DEBUG")
ALLOWED_HOSTS = environment.allowed_hosts()
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("BONANCA_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    *ROOMS,
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "bonanca.access.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bonanca.access.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bonanca.config.errors.DomainErrorMiddleware",
]

ROOT_URLCONF = "bonanca.config.urls"
ASGI_APPLICATION = "bonanca.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

_database = environment.database_address()
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.host,
        "PORT": _database.port,
        "USER": _database.user,
        "PASSWORD": _database.password,
        "NAME": _database.name,
        "CONN_MAX_AGE": 0 if environment.flag("BONANCA_DATABASE_POOL") else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": "bonanca",
            **KEEPALIVE,
            "options": SERVER_OPTIONS,
            # A pool in web processes, where requests come on many threads.
            **({"pool": {"min_size": 2, "max_size": 16}} if environment.flag("BONANCA_DATABASE_POOL") else {}),
        },
    }
}

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"

LANGUAGE_CODE = "pt-br"
LANGUAGES = [("pt-br", "Português (Brasil)"), ("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "America/Sao_Paulo"

STATIC_URL = "/static/"
# Served straight from the rooms: there is no collection step that could be forgotten.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = environment.flag("BONANCA_HTTPS")
CSRF_COOKIE_SECURE = environment.flag("BONANCA_HTTPS")
CSRF_COOKIE_HTTPONLY = True
# We speak plain HTTP to a proxy that ends TLS; what it says of its visitors is believed only when there is one.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("BONANCA_HTTPS") else None
SECURE_HSTS_SECONDS = 31_536_000 if environment.flag("BONANCA_HTTPS") else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"

EMAIL_HOST = os.environ.get("BONANCA_SMTP_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("BONANCA_SMTP_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("BONANCA_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("BONANCA_SMTP_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("BONANCA_SMTP_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("BONANCA_MAIL_FROM", "bonanca@localhost")
# Error budget policy: percent spent from which deployments need caution, a warning, a freeze.
BUDGET_POLICY = os.environ.get("BONANCA_BUDGET_POLICY", "50,75,90")
# Backups of our own database: where they go, for whom they are sealed, who opens them, how often.
SELF_BACKUP_PLACES = environment.listed("BONANCA_SELF_BACKUP_PLACES")
SELF_BACKUP_RECIPIENTS = environment.listed("BONANCA_SELF_BACKUP_RECIPIENTS")
SELF_BACKUP_IDENTITY_FILE = environment.file_path("BONANCA_SELF_BACKUP_IDENTITY_FILE")
SELF_BACKUP_EVERY_H = environment.above_zero("BONANCA_SELF_BACKUP_EVERY_H", 24.0)
# An exercise of the resume-everything procedure is overdue after so many days.
EXERCISE_EVERY_DAYS = environment.above_zero("BONANCA_EXERCISE_EVERY_DAYS", 90.0)
# The address under which people reach us, for links in messages.
PUBLIC_URL = environment.public_url()

LOGGING_CONFIG = None
