"""Read teams and their members."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from bonanca.catalog.documents.nodes import Node
from bonanca.catalog.documents.reader import EMAIL, Reader
from bonanca.catalog.spec import LOCALES, ROLES, MemberSpec, TeamSpec


def read_team(reader: Reader) -> TeamSpec:
    """A team with its people; `on_call` may only name its own members."""
    slug = reader.slug("slug", required=True)
    reader.what = _("team '%(slug)s'") % {"slug": slug or "?"}
    name = reader.text("name", slug, limit=200)
    members = reader.each("members", read_member, _("a member"))
    known = {member.email for member in members}
    on_call = []
    for node in reader.items("on_call"):
        email = str(node.value).lower()
        if email in known:
            on_call.append(email)
        else:
            reader.wrong(
                node,
                _("%(what)s: on_call names an unknown person (got %(got)s)")
                % {"what": reader.what, "got": node.shown()},
                _("the e-mail of one of the team's members (%(known)s)")
                % {"known": ", ".join(sorted(known)) or _("none")},
            )
    _no_duplicates(reader, members)
    return TeamSpec(slug=slug, name=name, members=members, on_call=tuple(on_call))


def read_member(reader: Reader) -> MemberSpec:
    """A person; e-mails are compared in small letters."""
    email = reader.pattern("email", EMAIL, _("an e-mail address such as ana@loja.example"), required=True).lower()
    reader.what = _("member '%(email)s'") % {"email": email or "?"}
    return MemberSpec(
        email=email,
        name=reader.text("name", email.split("@")[0], limit=200),
        role=reader.choice("role", ROLES, "responder"),
        locale=reader.choice("locale", LOCALES, "pt-br"),
        time_zone=_time_zone(reader),
    )


def _time_zone(reader: Reader) -> str:
    default = "America/Sao_Paulo"
    node = reader.take("time_zone")
    if node is None:
        return default
    try:
        return ZoneInfo(str(node.value)).key if isinstance(node.value, str) else _bad_zone(reader, node, default)
    except (KeyError, ValueError, OSError):
        # KeyError: no such zone; ValueError and OSError: a name that is no path inside the zone database.
        return _bad_zone(reader, node, default)


def _bad_zone(reader: Reader, node: Node, default: str) -> str:
    reader.bad(node, "time_zone", _("a name of the time zone database, such as America/Sao_Paulo"))
    return default


def _no_duplicates(reader: Reader, members: tuple[MemberSpec, ...]) -> None:
    seen: set[str] = set()
    for member in members:
        if member.email and member.email in seen:
            node = reader.entries["members"]
            reader.wrong(node, _("%(what)s: %(email)s is listed twice") % {"what": reader.what, "email": member.email})
        seen.add(member.email)
