from __future__ import annotations

import asyncio
import time
from typing import Any, Callable

import jwt

from ._errors import MachineToken, Unauthenticated, Unavailable
from ._http import bearer_token
from ._keys import KeySet
from ._user import LEEWAY, Machine, User, caller

MAX_TOKEN = 8192


class _Checks:
    """What verifiers share."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        leeway: float = LEEWAY,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Take LATCHKEY_PUBLIC_URL, and the audience of LATCHKEY_CLIENTS or the URI of a resource.

        No request is sent: keys are fetched for the first token. `clock` is for tests.
        """
        if not issuer or not audience:
            raise ValueError("a verifier needs an issuer and an audience")
        self.issuer, self.audience, self.leeway = issuer.rstrip("/"), audience, leeway
        self._keys = KeySet(self.issuer + "/.well-known/jwks.json", timeout, clock)

    def _header(self, token: str) -> dict[str, Any]:
        """Return the header of a token. What is wrong in itself costs no request."""
        if not isinstance(token, str) or not token or len(token) > MAX_TOKEN:
            raise Unauthenticated("no token, or one that is too long")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as e:
            raise Unauthenticated(str(e)) from e
        typ = header.get("typ")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "at+jwt":  # RFC 9068, section 4
            raise Unauthenticated("not an access token")
        if "crit" in header:  # RFC 7515, section 4.1.11: no extension is known here
            raise Unauthenticated("the token needs an extension")
        if not isinstance(header.get("kid"), str):
            raise Unauthenticated("the token names no key")
        return header

    def _claims(self, token: str, header: dict[str, Any], key: tuple[str, Any] | None) -> User | Machine:
        if key is None or key[0] != header.get("alg"):
            raise Unauthenticated("the token is signed by an unknown key")
        try:
            claims = jwt.decode(
                token,
                key[1],
                algorithms=[key[0]],
                issuer=self.issuer,
                # That of API keys is Latchkey: they ask for no resource.
                audience=[self.audience, self.issuer],
                leeway=self.leeway,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as e:
            raise Unauthenticated(str(e)) from e
        who, audience = caller(claims), claims["aud"]
        if isinstance(who, User) and self.audience not in ([audience] if isinstance(audience, str) else audience):
            raise Unauthenticated("the token is for another service")
        return who


def _user(who: User | Machine) -> User:
    if isinstance(who, Machine):
        raise MachineToken("the token is of a machine, not of a user")
    return who


def _machine(who: User | Machine) -> Machine:
    if isinstance(who, User):
        raise Unauthenticated("the token is of a user, not of a machine")
    return who


class Verifier(_Checks):
    """Checks access tokens by Latchkey's public keys. A process has one; threads share it."""

    def verify(self, token: str) -> User:
        """Return the user whose access token it is.

        Raises Unauthenticated: then answer 401; or Unavailable: then answer 503.
        """
        return _user(self.verify_caller(token))

    def verify_machine(self, token: str) -> Machine:
        """Return the machine, an API key of a team, whose access token it is.

        Its audience may be Latchkey itself, as that of API keys is.
        """
        return _machine(self.verify_caller(token))

    def verify_caller(self, token: str) -> User | Machine:
        """Return the user or the machine whose access token it is."""
        header = self._header(token)
        return self._claims(token, header, self._keys.find(header["kid"]))

    def authenticate(self, authorization: str | None) -> User:
        """Return who sent a request with this Authorization header, as verify does."""
        return self.verify(bearer_token(authorization))


class AsyncVerifier(_Checks):
    """Verifier for asyncio. Fetching keys never blocks the event loop."""

    async def verify(self, token: str) -> User:
        """Return the user whose access token it is. See Verifier.verify."""
        return _user(await self.verify_caller(token))

    async def verify_machine(self, token: str) -> Machine:
        """Return the machine whose access token it is."""
        return _machine(await self.verify_caller(token))

    async def verify_caller(self, token: str) -> User | Machine:
        """Return the user or the machine whose access token it is."""
        header = self._header(token)
        key = self._keys.at_hand(header["kid"])
        if key is None:
            key = await asyncio.to_thread(self._keys.find, header["kid"])
        return self._claims(token, header, key)

    async def authenticate(self, authorization: str | None) -> User:
        """Return who sent a request with this Authorization header, as verify does."""
        return await self.verify(bearer_token(authorization))


__all__ = ["AsyncVerifier", "Unavailable", "Verifier"]
