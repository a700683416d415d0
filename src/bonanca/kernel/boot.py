"""Start Django for a process that is not a web server."""

from __future__ import annotations

import os


def setup_django() -> None:
    """Load settings and rooms; calling it again does nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonanca.config.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
