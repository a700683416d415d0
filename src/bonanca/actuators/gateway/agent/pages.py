"""The polite pages: what a visitor reads while something is taken out. Tiny, self-contained, in two languages.

The texts are here and not in a gettext catalogue: an edge host shows them without anything that a build makes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import escape
from math import ceil

from bonanca.actuators.gateway.wire import Directive

TEXTS: dict[str, dict[str, str]] = {
    "pt-BR": {
        "maintenance": "Em manutenção",
        "disable": "Indisponível no momento",
        "unavailable": "Indisponível no momento",
        "not_found": "Nada aqui",
        "maintenance_text": "Estamos cuidando deste serviço e voltamos logo.",
        "disable_text": "Esta parte foi desligada por segurança enquanto a equipe trabalha. O resto funciona.",
        "unavailable_text": "Tente de novo em instantes.",
        "not_found_text": "Nenhum serviço atende neste endereço.",
        "retry": "Tente de novo em {when}.",
        "seconds": "{n} s",
        "minutes": "{n} min",
        "again": "Tentar de novo",
    },
    "en": {
        "maintenance": "Under maintenance",
        "disable": "Not available right now",
        "unavailable": "Not available right now",
        "not_found": "Nothing here",
        "maintenance_text": "We are looking after this service and will be back soon.",
        "disable_text": "This part was switched off for safety while the team works. The rest keeps working.",
        "unavailable_text": "Please try again in a moment.",
        "not_found_text": "No service answers at this address.",
        "retry": "Please try again in {when}.",
        "seconds": "{n} s",
        "minutes": "{n} min",
        "again": "Try again",
    },
}
DEFAULT_LANGUAGE = "pt-BR"

STYLE = (
    ":root{color-scheme:light dark;--ink:#1c2733;--calm:#f5f7f9;--soft:#56636f;--line:#d5dce2;--link:#0b5cad}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--calm:#12181e;--soft:#9fb0be;--line:#2c3843;--link:#7db8f5}}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--calm);color:var(--ink);"
    "font:1.0625rem/1.6 system-ui,sans-serif}main{max-width:34rem;margin:1.5rem;padding:2rem 0;"
    "border-top:4px solid var(--line)}h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}"
    "p{margin:0 0 1rem;overflow-wrap:anywhere;white-space:pre-line}.soft{color:var(--soft)}a{color:var(--link)}"
)
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Page:
    """An answer, ready to be sent: status, headers in order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def page_for(
    directive: Directive | None,
    *,
    routed: bool,
    method: str,
    accept: str,
    accept_language: str,
    now: datetime,
) -> Page:
    """Return the page for a request that a directive (None: one that has just ended) took.

    `routed` is False when no service owns the address: that is a 404, all else is a 503 with Retry-After.
    """
    language = choose_language(accept_language)
    words = TEXTS[language]
    if not routed:
        return _page(404, "not_found", words["not_found_text"], None, None, language, method, accept)
    if directive is None:
        return _page(503, "unavailable", words["unavailable_text"], None, 1, language, method, accept)
    left_s = ceil((directive.expires_at - now).total_seconds())
    # Nobody is asked to stay away for longer than the directive lasts.
    retry_s = max(1, min(directive.retry_after_s, left_s))
    message = directive.message.strip() or words[f"{directive.kind}_text"]
    return _page(503, directive.kind, message, directive, retry_s, language, method, accept)


def _page(
    status: int,
    reason: str,
    message: str,
    directive: Directive | None,
    retry_s: int | None,
    language: str,
    method: str,
    accept: str,
) -> Page:
    words = TEXTS[language]
    headers = [
        ("Cache-Control", "no-store"),
        ("Vary", "Accept, Accept-Language"),
        ("Content-Language", language),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", POLICY),
    ]
    if retry_s is not None:
        headers.append(("Retry-After", str(retry_s)))
    if wants_json(accept):
        facts: dict[str, object] = {"status": status, "reason": reason, "title": words[reason], "detail": message}
        if directive is not None:
            facts |= {"service": directive.service, "until": directive.expires_at.isoformat()}
        if retry_s is not None:
            facts["retry_after_s"] = retry_s
        headers.append(("Content-Type", "application/json; charset=utf-8"))
        return Page(status, tuple(headers), json.dumps(facts, ensure_ascii=False).encode())
    headers.append(("Content-Type", "text/html; charset=utf-8"))
    return Page(status, tuple(headers), _html(reason, message, retry_s, language, method).encode())


def _html(reason: str, message: str, retry_s: int | None, language: str, method: str) -> str:
    words = TEXTS[language]
    wait = ""
    if retry_s is not None:
        unit, n = ("seconds", retry_s) if retry_s < 120 else ("minutes", ceil(retry_s / 60))
        wait = f'<p class="soft">{escape(words["retry"].format(when=words[unit].format(n=n)))}</p>'
    # A link repeats a GET; what was sent by a form is for the visitor's own browser to repeat.
    again = f'<p><a href="">{escape(words["again"])}</a></p>' if method == "GET" and retry_s is not None else ""
    title = escape(words[reason])
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><p>{escape(message)}</p>{wait}{again}</main></body></html>\n"
    )


def choose_language(accept_language: str) -> str:
    """Return `pt-BR` or `en`, whichever the visitor prefers (RFC 9110 §12.5.4); Portuguese when neither is named."""
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for tag, quality in _weighted(accept_language):
        spoken = {"pt": "pt-BR", "en": "en"}.get(tag.split("-")[0])
        if spoken and quality > best_quality:
            best, best_quality = spoken, quality
    return best


def wants_json(accept: str) -> bool:
    """Tell whether JSON is asked for by name and not less than HTML (RFC 9110 §12.5.1)."""
    qualities = dict(_weighted(accept))
    as_json = max(
        (q for kind, q in qualities.items() if kind == "application/json" or kind.endswith("+json")), default=0.0
    )
    return as_json > 0 and as_json >= qualities.get("text/html", 0.0)


def _weighted(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header[:2000].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if name:
            found.append((name, quality))
    return found
