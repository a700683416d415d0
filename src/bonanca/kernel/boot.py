"""Start Django for a process that is not a web server."""

from __future__ import annotations

import os
from collections.abc import Mapping

ENGLISH, PORTUGUESE = "en", "pt-br"


def setup_django(*, operator: bool = True) -> None:
    """Load settings and rooms; calling it again does nothing.

    For an operator at a terminal, messages of the domain come in the terminal's language. Processes that work for
    everybody (`operator=False`) keep the installation's.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonanca.config.settings")
    import django
    from django.apps import apps

    if apps.ready:
        return
    django.setup()
    if operator:
        from django.utils import translation

        translation.activate(terminal_language(os.environ))


def terminal_language(environment: Mapping[str, str]) -> str:
    """Return the language that BONANCA_LANG, else LC_ALL, LC_MESSAGES or LANG asks for: pt-br, or en for all others."""
    for name in ("BONANCA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if asked := environment.get(name, "").strip():
            return PORTUGUESE if asked.lower().startswith("pt") else ENGLISH
    return ENGLISH
