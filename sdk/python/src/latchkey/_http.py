from __future__ import annotations

import logging
from typing import Any, Iterable
from urllib.parse import urlsplit

from ._errors import LatchkeyError, NoToken, Unavailable

_log = logging.getLogger("latchkey")
_WELL_KNOWN = "/.well-known/oauth-protected-resource"


def bearer_token(authorization: str | None) -> str:
    """Return the token of an Authorization header (RFC 6750). The scheme is in any case.

    Raises Unauthenticated if there is none.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    token = token.strip()
    # Servers join two headers with a comma, which is in no token.
    if scheme.lower() != "bearer" or not token or "," in token:
        raise NoToken("no bearer token")
    return token


def problem(error: LatchkeyError, resource: str | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the problem document (RFC 9457) and the headers that answer an error.

    `resource` has a 401 name the metadata of a protected resource (RFC 9728). The cause of
    a 503, which the client is not shown, goes to the logger "latchkey".
    """
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if error.status == 401:
        parameters = []
        if not isinstance(error, NoToken):
            parameters.append('error="invalid_token"')
        if resource:
            parameters.append(f'resource_metadata="{resource_metadata_url(resource)}"')
        headers["WWW-Authenticate"] = " ".join(["Bearer", ", ".join(parameters)]).strip()
    if isinstance(error, Unavailable):
        log_unavailable(error)
        headers["Retry-After"] = "5"
    return {"type": "about:blank", "title": error.title, "status": error.status, "code": error.code}, headers


def log_unavailable(error: Unavailable) -> None:
    _log.error("a request could not be checked: %s", error, exc_info=error)


def resource_metadata(issuer: str, resource: str, scopes: Iterable[str] = ()) -> dict[str, Any]:
    """Return the metadata of an API that agents call (RFC 9728). Serve it as JSON at resource_metadata_path."""
    document: dict[str, Any] = {
        "resource": resource,
        "authorization_servers": [issuer.rstrip("/")],
        "bearer_methods_supported": ["header"],
    }
    if scopes := list(scopes):
        document["scopes_supported"] = scopes
    return document


def resource_metadata_path(resource: str) -> str:
    """Return where an API serves its metadata: the path of its URI comes after the well-known one."""
    return _WELL_KNOWN + urlsplit(resource).path.rstrip("/")


def resource_metadata_url(resource: str) -> str:
    """Return the address of the metadata."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{resource_metadata_path(resource)}"
