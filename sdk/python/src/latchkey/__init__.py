"""Recognize the users of Latchkey by their access tokens (RFC 9068).

    verifier = latchkey.Verifier("https://auth.example.com", "https://api.example.com")
    user = verifier.authenticate(request.headers.get("Authorization"))

A token says who sent a request. A body, a query or another header never does.
latchkey.fastapi and latchkey.django do this for their frameworks.
"""

from ._errors import Forbidden, LatchkeyError, MachineToken, Unauthenticated, Unavailable
from ._http import bearer_token, problem, resource_metadata, resource_metadata_path, resource_metadata_url
from ._user import Machine, Role, User
from ._verifier import AsyncVerifier, Verifier
from ._webhook import Event, verify_webhook

__all__ = [
    "AsyncVerifier",
    "Event",
    "Forbidden",
    "LatchkeyError",
    "Machine",
    "MachineToken",
    "Role",
    "Unauthenticated",
    "Unavailable",
    "User",
    "Verifier",
    "bearer_token",
    "problem",
    "resource_metadata",
    "resource_metadata_path",
    "resource_metadata_url",
    "verify_webhook",
]
