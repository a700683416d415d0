"""`bonanca user`, `bonanca token` and `bonanca login-link`: who may come in."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Email = Annotated[str, typer.Argument(help="E-mail address of the account.")]

users = typer.Typer(help="Accounts: create, list, set a password.", no_args_is_help=True)
tokens = typer.Typer(help="API tokens: create, list, revoke.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add this room's commands to `bonanca`."""
    root.add_typer(users, name="user", rich_help_panel="Set up")
    root.add_typer(tokens, name="token", rich_help_panel="Set up")
    root.command("login-link", rich_help_panel="Set up")(login_link)


def _print(value: Any, as_json: bool, text: str) -> None:
    if not as_json:
        typer.echo(text)
        return
    typer.echo(json.dumps(value, default=str, ensure_ascii=False))


@users.command("create")
def user_create(
    email: Email,
    name: Annotated[str, typer.Option(help="Full name; default: the part before the @.")] = "",
    role: Annotated[str, typer.Option(help="viewer, responder, commander or admin.")] = "viewer",
    locale: Annotated[str, typer.Option(help="pt-br or en.")] = "pt-br",
    time_zone: Annotated[str, typer.Option(help="Name of the time zone database.")] = "America/Sao_Paulo",
    as_json: AsJson = False,
) -> None:
    """Create an account without a password; then `bonanca login-link EMAIL` or `bonanca user set-password EMAIL`."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.access.operations.create_user import create_user
    from bonanca.kernel.clock import utc_now

    person = create_user(
        email=email,
        name=name or email.split("@")[0],
        role=role,
        locale=locale,
        time_zone=time_zone,
        actor=local_operator(),
        now=utc_now(),
    )
    _print(person.__dict__, as_json, f"{person.email} created, role {person.role}")


@users.command("list")
def user_list(as_json: AsJson = False) -> None:
    """List every account with role and teams."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.queries import people

    everybody = people()
    lines = [
        f"{p.email:<40} {p.role:<10} {','.join(p.teams) or '-':<20} {'' if p.is_active else 'closed '}{p.name}"
        for p in everybody
    ]
    _print([p.__dict__ for p in everybody], as_json, "\n".join(lines) or "there are no accounts yet")


@users.command("set-password")
def user_set_password(
    email: Email,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")] = False,
) -> None:
    """Set a password (asked for twice, never an argument: arguments are visible to other users of the machine)."""
    import sys

    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.access.operations.set_password import set_password
    from bonanca.kernel.clock import utc_now

    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    person = set_password(email=email, password=password, actor=local_operator(), now=utc_now())
    typer.echo(f"{person.email} has a new password; its sessions have ended")


@tokens.command("create")
def token_create(
    name: Annotated[str, typer.Option(help="What the token is for; shown in the audit.")],
    role: Annotated[str, typer.Option(help="viewer, responder, commander or admin.")] = "viewer",
    scope: Annotated[str, typer.Option(help="api, alerts or gateway.")] = "api",
    user: Annotated[str, typer.Option(help="Act as this person (e-mail) instead of as itself.")] = "",
    expires_in_days: Annotated[float | None, typer.Option(help="Days until it ends; default: never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a token and print its secret, once: only a hash of it is kept."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.access.operations.create_token import create_token
    from bonanca.kernel.clock import utc_now

    made = create_token(
        name=name,
        role=role,
        scope=scope,
        user_email=user or None,
        expires_in_days=expires_in_days,
        actor=local_operator(),
        now=utc_now(),
    )
    # The secret alone on standard output, so that TOKEN=$(bonanca token create …) works.
    if not as_json:
        typer.echo(f"token {made.token.name} ({made.token.scope}, {made.token.role}); it is shown this once:", err=True)
    _print({**made.token.__dict__, "secret": made.secret}, as_json, made.secret)


@tokens.command("list")
def token_list(as_json: AsJson = False) -> None:
    """List every token with its state; secrets are not kept."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.queries import tokens as all_tokens
    from bonanca.kernel.clock import utc_now

    found = all_tokens(utc_now())
    lines = [
        f"{t.name:<24} {t.prefix}… {t.scope:<8} {t.role:<10} {t.state:<8} "
        f"last used {t.last_used_at.isoformat(timespec='minutes') if t.last_used_at else 'never'}"
        for t in found
    ]
    _print([t.__dict__ for t in found], as_json, "\n".join(lines) or "there are no tokens yet")


@tokens.command("revoke")
def token_revoke(name: Annotated[str, typer.Argument(help="The token's name.")], as_json: AsJson = False) -> None:
    """Refuse a token from now on."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from bonanca.access.actors import local_operator
    from bonanca.access.operations.revoke_token import revoke_token
    from bonanca.kernel.clock import utc_now

    token = revoke_token(name=name, actor=local_operator(), now=utc_now())
    _print(token.__dict__, as_json, f"token {token.name} is revoked")


def login_link(
    email: Email,
    minutes: Annotated[float, typer.Option(help="How long the link lives.")] = 15,
    as_json: AsJson = False,
) -> None:
    """Print a link that signs a person in once."""
    from bonanca.kernel.boot import setup_django

    setup_django()
    from django.conf import settings

    from bonanca.access.actors import local_operator
    from bonanca.access.operations.create_login_link import create_login_link
    from bonanca.kernel.clock import utc_now

    link = create_login_link(email=email, actor=local_operator(), now=utc_now(), expires_in_s=minutes * 60)
    url = f"{settings.PUBLIC_URL}{link.path}"
    _print({"email": link.email, "url": url, "expires_at": link.expires_at}, as_json, url)
