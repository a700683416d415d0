"""Teams and their people."""

from dataclasses import dataclass

ROLES = ("viewer", "responder", "commander", "admin")
LOCALES = ("pt-br", "en")


@dataclass(frozen=True)
class MemberSpec:
    """One person of a team. `role` is one of ROLES, `locale` one of LOCALES, `time_zone` an IANA name."""

    email: str
    name: str
    role: str = "responder"
    locale: str = "pt-br"
    time_zone: str = "America/Sao_Paulo"


@dataclass(frozen=True)
class TeamSpec:
    """A team; `on_call` lists e-mails of members, first one is paged first."""

    slug: str
    name: str
    members: tuple[MemberSpec, ...] = ()
    on_call: tuple[str, ...] = ()
