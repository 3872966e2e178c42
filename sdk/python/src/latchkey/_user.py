from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from typing import Any, Mapping

from ._errors import Unauthenticated

LEEWAY = 5  # seconds that the clocks of Latchkey and of this service may be apart


class Role(str, enum.Enum):
    """A role in a team, from the least to the most powerful."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"

    def __str__(self) -> str:
        return self.value


_RANKS = {"member": 1, "admin": 2, "owner": 3}


def at_least(role: str | None, other: str) -> bool:
    """Report whether a role includes what another may. A name that is no role grants nothing."""
    needed = _RANKS.get(str(other), 0)
    return needed > 0 and _RANKS.get(str(role), 0) >= needed


@dataclass(frozen=True)
class User:
    """A person who sent a request, as their access token says."""

    id: str
    """The canonical id (sub). After two accounts were merged it is the survivor's."""
    session: str
    """The session that the token came from (sid)."""
    team: str | None = None
    """The team that the token acts in."""
    role: str | None = None
    """The role in that team when the token was signed: member, admin or owner."""
    client: str | None = None
    """The application that got the token."""
    scopes: tuple[str, ...] = ()
    """What an application may do. The tokens of LATCHKEY_CLIENTS have none."""
    authenticated_at: datetime.datetime | None = None
    """When the person last proved who they are (auth_time)."""
    methods: tuple[str, ...] = ()
    """The providers that verified them in this session (amr), such as google or siwe."""
    app: Mapping[str, Any] | None = None
    """What the application's own token hook added."""
    expires_at: datetime.datetime | None = None

    def has_role(self, team: str | None, role: str) -> bool:
        """Report whether the user has at least a role in a team.

        Use it where the team comes from the request: a role in one team says nothing about another.
        """
        return bool(team) and self.team == str(team) and at_least(self.role, role)

    def has_scope(self, scope: str) -> bool:
        """Report whether the application may do what a scope names."""
        return scope in self.scopes

    def verified_within(self, seconds: float) -> bool:
        """Report whether the person proved who they are at most this many seconds ago."""
        if self.authenticated_at is None:
            return False
        age = datetime.datetime.now(datetime.timezone.utc) - self.authenticated_at
        return age.total_seconds() <= seconds + LEEWAY


@dataclass(frozen=True)
class Machine:
    """A program that sent a request: an API key of a team. It is no user."""

    id: str
    """Of the API key."""
    team: str
    role: str | None = None
    expires_at: datetime.datetime | None = None

    def has_role(self, team: str | None, role: str) -> bool:
        """Report whether the machine has at least a role in a team."""
        return bool(team) and self.team == str(team) and at_least(self.role, role)


def _time(seconds: Any) -> datetime.datetime | None:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds <= 0:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def caller(claims: Mapping[str, Any]) -> User | Machine:
    """Return whom the claims of a token are about. One without a session is a machine's."""
    subject, session, team = claims.get("sub"), claims.get("sid"), claims.get("team")
    if not isinstance(subject, str) or not subject:
        raise Unauthenticated("the token has no subject")
    for name in ("sid", "team", "role", "scope", "client_id"):
        if not isinstance(claims.get(name, ""), str):
            raise Unauthenticated(f"{name} of the token is not a text")
    if not session:
        if not team:
            raise Unauthenticated("the token has neither a session nor a team")
        return Machine(subject, team, claims.get("role"), _time(claims.get("exp")))
    return User(
        id=subject,
        session=session,
        team=team or None,
        role=claims.get("role") or None,
        client=claims.get("client_id"),
        scopes=tuple(claims.get("scope", "").split()),
        authenticated_at=_time(claims.get("auth_time")),
        methods=tuple(claims.get("amr") or ()),
        app=claims.get("app"),
        expires_at=_time(claims.get("exp")),
    )
