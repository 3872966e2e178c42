"""Latchkey for FastAPI.

    auth = Latchkey("https://auth.example.com", "https://api.example.com")

    @app.get("/notes")
    async def notes(user: User = Depends(auth.user)): ...

    @app.post("/webhooks", status_code=204)
    async def webhook(event: Event = Depends(webhook_event(WEBHOOK_SECRET))): ...
"""

from typing import Awaitable, Callable, Optional

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer

from ._errors import Forbidden, LatchkeyError, Unauthenticated, Unavailable
from ._http import bearer_token, problem
from ._user import User
from ._verifier import AsyncVerifier
from ._webhook import MAX_SIZE, Event, verify_webhook

__all__ = ["Event", "Latchkey", "User", "webhook_event"]

# It describes the security of operations; what counts is checked below.
_documented = HTTPBearer(auto_error=False, scheme_name="Latchkey")


class Latchkey:
    """Dependencies that say who sent a request."""

    def __init__(self, issuer: str, audience: str, *, resource: Optional[str] = None, **options):
        """Take what AsyncVerifier takes. `resource` has a 401 name its metadata (RFC 9728)."""
        self.verifier = AsyncVerifier(issuer, audience, **options)
        self._resource = resource

    def _refusal(self, error: LatchkeyError) -> HTTPException:
        document, headers = problem(error, self._resource)
        headers.pop("Content-Type")  # the body is FastAPI's own
        return HTTPException(error.status, document["title"], headers)

    async def _authenticate(self, request: Request) -> User:
        values = request.headers.getlist("authorization")
        return await self.verifier.verify(bearer_token(values[0] if len(values) == 1 else None))

    async def user(self, request: Request, _: object = Depends(_documented)) -> User:
        """Return the user. Without a valid token the answer is 401, for that of a machine 403; if it cannot be checked, 503."""
        try:
            return await self._authenticate(request)
        except LatchkeyError as e:
            raise self._refusal(e) from e

    async def optional_user(self, request: Request, _: object = Depends(_documented)) -> Optional[User]:
        """Return the user, or None without a token that is valid and could be checked."""
        try:
            return await self._authenticate(request)
        except (Unauthenticated, Unavailable):
            return None

    def require_role(self, role: str, team: Optional[str] = None) -> Callable[..., Awaitable[User]]:
        """Return a dependency on a user with at least a role in the team that their token acts in.

        `team` is the name of the parameter of the path that says which team it has to be.
        """

        async def user_with_role(request: Request, user: User = Depends(self.user)) -> User:
            wanted = user.team if team is None else request.path_params[team]
            if not user.has_role(wanted, role):
                raise self._refusal(Forbidden(f"not {role} of the team"))
            return user

        return user_with_role

    def require_scope(self, scope: str) -> Callable[..., Awaitable[User]]:
        """Return a dependency on a user whose application may do what a scope names."""

        async def user_with_scope(user: User = Depends(self.user)) -> User:
            if not user.has_scope(scope):
                raise self._refusal(Forbidden(f"the token has no scope {scope}"))
            return user

        return user_with_scope


def webhook_event(secret: str) -> Callable[[Request], Awaitable[Event]]:
    """Return a dependency on an event of Latchkey, see latchkey.verify_webhook.

    It reads no more of a body than an event can have. The answer is 413 to a larger one,
    and 401 to one that is not signed with the secret.
    """

    async def event(request: Request) -> Event:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_SIZE:
                raise HTTPException(413, "the body is too large", {"Connection": "close"})
        try:
            return verify_webhook(request.headers, bytes(body), secret)
        except LatchkeyError as e:
            document, headers = problem(e)
            headers.pop("Content-Type")
            raise HTTPException(e.status, document["title"], headers) from e

    return event
