"""A stand-in for Latchkey that publishes keys, counts who asks for them, and can be broken."""

import http.server
import importlib
import json
import os
import threading
import time
import unittest

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

AUDIENCE = "https://api.example.com"


def optional(*modules: str) -> None:
    """Skip the tests of a file without these modules, but never in CI."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as e:
            if os.environ.get("CI"):
                raise
            raise unittest.SkipTest(f"{name} is not installed") from e


class Key:
    def __init__(self, kid="k1", alg="EdDSA"):
        self.kid, self.alg = kid, alg
        self.private = ed25519.Ed25519PrivateKey.generate() if alg == "EdDSA" else ec.generate_private_key(ec.SECP256R1())

    def jwk(self):
        algorithm = jwt.algorithms.OKPAlgorithm if self.alg == "EdDSA" else jwt.algorithms.ECAlgorithm
        if self.alg == "EdDSA":
            out = json.loads(algorithm.to_jwk(self.private.public_key()))
        else:
            n = self.private.public_key().public_numbers()
            encode = lambda i: jwt.utils.base64url_encode(i.to_bytes(32, "big")).decode()
            out = {"kty": "EC", "crv": "P-256", "x": encode(n.x), "y": encode(n.y)}
        return out | {"kid": self.kid, "alg": self.alg, "use": "sig"}


class Issuer:
    def __init__(self, test: unittest.TestCase):
        self.keys, self.fetches, self.fail = [Key()], 0, None
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.fetches += 1
                if issuer.fail:
                    issuer.fail(self)
                    return
                keys = [{"kty": "FUTURE", "kid": "x", "alg": "FUTURE"}] + [k.jwk() for k in issuer.keys]
                answer(self, 200, json.dumps({"keys": keys}))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.stopped = False
        test.addCleanup(self.stop)

    def stop(self):
        if not self.stopped:
            self.stopped = True
            self.server.shutdown()
            self.server.server_close()

    def claims(self, **other):
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": AUDIENCE, "sub": "user-1", "sid": "session-1", "iat": now, "exp": now + 300, "auth_time": now - 60,
            "amr": ["google", "siwe"], "client_id": "web", "team": "team-1", "role": "admin",
        }  # fmt: skip
        return {k: v for k, v in (claims | other).items() if v is not None}

    def token(self, key=None, headers=None, **claims):
        key = key or self.keys[0]
        return jwt.encode(self.claims(**claims), key.private, key.alg, {"typ": "at+jwt", "kid": key.kid} | (headers or {}))


def answer(handler, status, body=""):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body.encode())))
    handler.end_headers()
    handler.wfile.write(body.encode())


def redirect(handler):
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


FAULTS = {
    "500": lambda h: answer(h, 500),
    "a page": lambda h: answer(h, 200, "<html>"),
    "no keys": lambda h: answer(h, 200, '{"keys":[]}'),
    "a list": lambda h: answer(h, 200, "[]"),
    "a redirect": redirect,
    "a disconnect": lambda h: h.connection.close(),
}
