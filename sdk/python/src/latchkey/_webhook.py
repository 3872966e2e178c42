from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Mapping

from ._errors import Unauthenticated, Unavailable

MAX_SIZE = 1 << 20
TOLERANCE = 300  # seconds


@dataclass(frozen=True)
class Event:
    """A change to a user, a team or a session. Ignore types and data that you do not know."""

    id: str
    """The same when it is sent again: drop what you have."""
    type: str
    """Such as user.merged."""
    seq: int
    """Orders events, which arrive in any order."""
    at: datetime.datetime
    api_version: str
    data: Mapping[str, Any]


def verify_webhook(headers: Mapping[str, str], body: bytes | str, secret: str) -> Event:
    """Return the event that Latchkey sent to a webhook, after checking its signature.

    Takes the headers and the body as they came, and the secret of the webhook, whsec_… .
    Any of several signatures counts, so that a secret can be rotated. Raises
    Unauthenticated: answer 401, and Latchkey sends it again.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as e:
        raise Unavailable("the secret of the webhook is not base64") from e
    if not key:
        raise Unavailable("the webhook has no secret")
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if len(raw) > MAX_SIZE:
        raise Unauthenticated("the body is too large")
    by_name = {name.lower(): value for name, value in headers.items()}
    id_, timestamp = by_name.get("webhook-id", ""), by_name.get("webhook-timestamp", "")
    try:
        age = time.time() - int(timestamp)
    except ValueError as e:
        raise Unauthenticated("the delivery has no webhook-timestamp") from e
    if not id_ or abs(age) > TOLERANCE:
        raise Unauthenticated("the delivery has no webhook-id, or is of another time")
    want = hmac.new(key, f"{id_}.{timestamp}.".encode() + raw, hashlib.sha256).digest()
    if not any(_signed(part, want) for part in by_name.get("webhook-signature", "").split()):
        raise Unauthenticated("the signature of the delivery is not by this secret")
    try:
        event = json.loads(raw)
        return Event(
            id=event["id"],
            type=event["type"],
            seq=event["seq"],
            at=datetime.datetime.fromisoformat(_python_time(event["at"])),
            api_version=event["api_version"],
            data=event["data"],
        )
    except (ValueError, KeyError, TypeError) as e:
        raise Unauthenticated("the body is no event") from e


def _signed(signature: str, want: bytes) -> bool:
    version, _, encoded = signature.partition(",")
    try:
        return version == "v1" and hmac.compare_digest(base64.b64decode(encoded, validate=True), want)
    except (binascii.Error, ValueError):
        return False


def _python_time(text: str) -> str:
    """Return an RFC 3339 time as Python 3.10 reads it: no Z, and six digits of a second."""
    text = text.removesuffix("Z") if text.endswith("Z") else text.removesuffix("+00:00")
    seconds, dot, fraction = text.partition(".")
    return seconds + (dot + fraction[:6].ljust(6, "0") if dot else "") + "+00:00"
