from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from typing import Any, Callable

import jwt

from ._errors import Unavailable

REFRESH_AFTER = 60.0  # seconds; a key that was removed, because it leaked, is accepted no longer
KEEP_FOR = 300.0  # keys serve this long while Latchkey is away: its answer's max-age
COOLDOWN = 30.0  # between two fetches: any number of forged key ids costs one
RETRY_AFTER = 2.0  # the cooldown after a fetch that failed
PATIENCE = 1.0  # how long a request that has a key waits for newer ones
MAX_SIZE = 1 << 20

ALGORITHMS = ("EdDSA", "ES256")  # of access tokens, see LATCHKEY_TOKEN_ALG


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def fetch(url: str, timeout: float) -> bytes:
    """Return what an address answers with status 200, within a time for all of it."""
    deadline = time.monotonic() + timeout
    body = b""
    with _opener.open(url, timeout=timeout) as response:
        if response.status != 200:
            raise ValueError(f"{url} answered {response.status}")
        while chunk := response.read1(65536):
            body += chunk
            if len(body) > MAX_SIZE:
                raise ValueError(f"{url} answered too much")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} takes too long")
    return body


class KeySet:
    """The public keys of Latchkey, fetched when they are asked for, one fetch at a time."""

    def __init__(self, url: str, timeout: float, clock: Callable[[], float] = time.monotonic):
        self._url, self._timeout, self._clock = url, timeout, clock
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._keys: dict[str, tuple[str, Any]] | None = None  # id: algorithm, key
        self._fetched = 0.0
        self._tried: float | None = None
        self._failure: Exception | None = None
        self._fetching = False

    def _usable(self, now: float) -> bool:
        return self._keys is not None and now - self._fetched < KEEP_FOR

    def at_hand(self, kid: str) -> tuple[str, Any] | None:
        """Return a key that needs no fetch."""
        keys, fetched = self._keys, self._fetched
        if keys is not None and self._clock() - fetched < REFRESH_AFTER:
            return keys.get(kid)
        return None

    def find(self, kid: str) -> tuple[str, Any] | None:
        """Return the algorithm and the key with an id, None if Latchkey has none.

        Raises Unavailable if that cannot be said.
        """
        if self._process != os.getpid():  # after a fork, other threads are gone
            self._begin()
        with self._changed:
            waited = False
            while True:
                now = self._clock()
                key = (self._keys or {}).get(kid) if self._usable(now) else None
                if key and (waited or now - self._fetched < REFRESH_AFTER):
                    return key
                if not self._fetching and (waited or self._cooling(now)):
                    if key or (self._usable(now) and self._failure is None):
                        return key
                    raise Unavailable(f"the keys of Latchkey: {self._failure}") from self._failure
                if not self._fetching:
                    self._fetching = True
                    threading.Thread(target=self._fetch, name="latchkey-keys", daemon=True).start()
                    if key and self._failure is not None:  # for later requests
                        return key
                if not self._changed.wait(PATIENCE if key else self._timeout + 1):
                    if key:
                        return key
                    raise Unavailable("Latchkey takes too long to give its keys")
                waited = True

    def _cooling(self, now: float) -> bool:
        pause = COOLDOWN if self._failure is None else RETRY_AFTER
        return self._tried is not None and now - self._tried < pause

    def _fetch(self) -> None:
        keys: dict[str, tuple[str, Any]] | None = None
        failure: Exception | None = None
        try:
            keys = _parse(fetch(self._url, self._timeout))
        except Exception as e:  # whatever it is, requests go on
            failure = e
        with self._changed:
            self._tried, self._failure = self._clock(), failure
            if keys is not None:
                self._keys, self._fetched = keys, self._tried
            self._fetching = False
            self._changed.notify_all()


def _parse(body: bytes) -> dict[str, tuple[str, Any]]:
    keys = {}
    for jwk in json.loads(body)["keys"]:
        try:
            kid, alg = jwk["kid"], jwk["alg"]
            if isinstance(kid, str) and alg in ALGORITHMS and jwk.get("use", "sig") == "sig" and "d" not in jwk:
                keys[kid] = (alg, jwt.PyJWK.from_dict(jwk, alg).key)
        except Exception:  # a key of an unknown kind is skipped
            continue
    if not keys:
        raise ValueError("no key for access tokens")
    return keys
