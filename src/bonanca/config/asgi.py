"""The web process: Django behind ASGI."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonanca.config.settings")
os.environ.setdefault("BONANCA_DATABASE_POOL", "1")

from django.core.asgi import get_asgi_application

from bonanca.kernel.logs import configure

configure()
application = get_asgi_application()
