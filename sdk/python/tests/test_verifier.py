import asyncio
import base64
import json
import threading
import time
import unittest

import latchkey

from .helper import AUDIENCE, FAULTS, Issuer, Key


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class VerifierTest(unittest.TestCase):
    def setUp(self):
        self.issuer, self.clock = Issuer(self), Clock()

    def verifier(self, **options):
        return latchkey.Verifier(self.issuer.url, AUDIENCE, clock=self.clock, **options)

    def test_verify(self):
        for alg in ("EdDSA", "ES256"):
            self.issuer.keys, self.issuer.fetches = [Key(alg=alg)], 0
            v = self.verifier()
            for scheme in ("Bearer ", "bearer ", "BEARER  "):
                u = v.authenticate(scheme + self.issuer.token(scope="openid notes:read", app={"plan": "pro"}))
            self.assertEqual((u.id, u.session, u.team, u.role, u.client), ("user-1", "session-1", "team-1", "admin", "web"))
            self.assertEqual((u.scopes, u.methods, u.app), (("openid", "notes:read"), ("google", "siwe"), {"plan": "pro"}))
            self.assertTrue(u.has_role("team-1", "member") and u.has_role("team-1", latchkey.Role.ADMIN) and u.has_scope("notes:read"))
            self.assertFalse(u.has_role("team-1", "owner") or u.has_role("team-2", "member") or u.has_role("team-1", "amdin"))
            self.assertTrue(u.verified_within(300))
            self.assertFalse(u.verified_within(30))
            alone = v.verify(self.issuer.token(team=None, role=None))
            self.assertFalse(alone.has_role(None, "member") or alone.has_role("", "member"))
            self.assertEqual(self.issuer.fetches, 1)

    def test_refused(self):
        issuer, v = self.issuer, self.verifier()
        good, now = issuer.token(), int(time.time())
        head, payload, signature = good.split(".")
        encoded = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        other = Key()
        for name, token in {
            "nothing": "",
            "a session token": "lks_abc",
            "cut": good[:-4],
            "dots": "..",
            "long": "a" * 100000,
            "not a text": None,
            "another's key": issuer.token(other),
            "another algorithm": issuer.token(Key(alg="ES256")),
            "unsigned": encoded({"alg": "none", "typ": "at+jwt", "kid": "k1"}) + "." + payload + ".",
            "by the public key": encoded({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}) + "." + payload + "." + signature,
            "other claims": head + "." + encoded(issuer.claims(sub="root")) + "." + signature,
            "an ID token": issuer.token(headers={"typ": "JWT"}),
            "critical": issuer.token(headers={"crit": ["x"], "x": 1}),
            "its own key": issuer.token(other, headers={"jwk": other.jwk(), "kid": "own"}),
            "for another": issuer.token(aud="https://other.example.com"),
            "for no one": issuer.token(aud=None),
            "of another": issuer.token(iss="https://evil.example.com"),
            "expired": issuer.token(exp=now - 7),
            "without an end": issuer.token(exp=None),
            "from the future": issuer.token(iat=now + 8),
            "not valid yet": issuer.token(nbf=now + 8),
            "no subject": issuer.token(sub=None),
            "no session, no team": issuer.token(sid=None, team=None),
            "other types": issuer.token(sid=["session-1"]),
        }.items():
            with self.subTest(name), self.assertRaises(latchkey.Unauthenticated):
                v.verify(token)
        for name, header in {"nothing": None, "basic": "Basic " + good, "two": f"Bearer {good}, Bearer {good}", "alone": "Bearer "}.items():
            with self.subTest(name), self.assertRaises(latchkey.Unauthenticated):
                v.authenticate(header)
        self.assertEqual(v.verify(good).id, "user-1")

    def test_clocks_five_seconds_apart(self):
        now = int(time.time())
        for claims in ({"iat": now + 4, "nbf": now + 4}, {"iat": now - 303, "exp": now - 3}):
            self.verifier().verify(self.issuer.token(**claims))
            with self.assertRaises(latchkey.Unauthenticated):
                self.verifier(leeway=0).verify(self.issuer.token(**claims))

    def test_forged_key_ids_cost_one_fetch(self):
        v, refused = self.verifier(), []

        def forge(n):
            try:
                v.verify(self.issuer.token(Key(f"forged-{n}")))
            except latchkey.Unauthenticated:
                refused.append(n)

        threads = [threading.Thread(target=forge, args=(n,)) for n in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(refused), 20)
        self.assertEqual(v.verify(self.issuer.token()).id, "user-1")
        self.assertEqual(self.issuer.fetches, 1)
        self.clock.now += 31
        for n in range(5):
            forge(n)
        self.assertEqual((len(refused), self.issuer.fetches), (25, 2))

    def test_keys_change(self):
        v, old, new = self.verifier(), self.issuer.keys[0], Key("k2")
        v.verify(self.issuer.token(old))
        self.issuer.keys = [old, new]
        self.clock.now += 31
        v.verify(self.issuer.token(new))
        self.issuer.keys = [new]
        self.clock.now += 61
        with self.assertRaises(latchkey.Unauthenticated):
            v.verify(self.issuer.token(old))

    def test_unavailable(self):
        for name, fault in FAULTS.items():
            with self.subTest(name):
                v, self.issuer.fail, self.issuer.fetches = self.verifier(), fault, 0
                for _ in range(3):
                    with self.assertRaises(latchkey.Unavailable):
                        v.verify(self.issuer.token())
                self.assertEqual(self.issuer.fetches, 1)
                self.issuer.fail = None
                self.clock.now += 3
                self.assertEqual(v.verify(self.issuer.token()).id, "user-1")
        token = self.issuer.token()
        self.issuer.stop()
        with self.assertRaises(latchkey.Unavailable):
            self.verifier().verify(token)

    def test_slow(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.issuer.fail = lambda h: go_on.wait(60)
        began = time.monotonic()
        with self.assertRaises(latchkey.Unavailable):
            self.verifier(timeout=0.1).verify(self.issuer.token())
        self.assertLess(time.monotonic() - began, 30)

    def test_outage(self):
        v = self.verifier()
        v.verify(self.issuer.token())
        self.issuer.fail = FAULTS["500"]
        for _ in range(4):
            self.clock.now += 70
            v.verify(self.issuer.token())
            with self.assertRaises(latchkey.Unavailable):  # it may be by a new key
                v.verify(self.issuer.token(Key("k2")))
        self.clock.now += 70
        with self.assertRaises(latchkey.Unavailable):
            v.verify(self.issuer.token())

    def test_machines(self):
        v, token = self.verifier(), self.issuer.token(sub="key-1", sid=None, amr=None, auth_time=None)
        with self.assertRaises(latchkey.MachineToken):
            v.verify(token)
        m = v.verify_machine(token)
        self.assertEqual((m.id, m.team, m.has_role("team-1", "admin")), ("key-1", "team-1", True))
        self.assertEqual(v.verify_machine(self.issuer.token(sub="key-1", sid=None, aud=self.issuer.url)).id, "key-1")
        for check, claims in (
            (v.verify_machine, {}),
            (v.verify_machine, {"sid": None, "aud": "https://other.example.com"}),
            (v.verify, {"aud": self.issuer.url}),
            (v.verify, {"aud": [self.issuer.url, "https://other.example.com"]}),
        ):
            with self.subTest(claims), self.assertRaises(latchkey.Unauthenticated):
                check(self.issuer.token(**claims))
        self.assertEqual(v.verify(self.issuer.token(aud=[AUDIENCE, self.issuer.url])).id, "user-1")

    def test_configuration(self):
        for issuer, audience in (("", AUDIENCE), (self.issuer.url, "")):
            with self.assertRaises(ValueError):
                latchkey.Verifier(issuer, audience)
        self.assertEqual(latchkey.Verifier(self.issuer.url + "/", AUDIENCE).verify(self.issuer.token()).id, "user-1")

    def test_async(self):
        v = latchkey.AsyncVerifier(self.issuer.url, AUDIENCE, clock=self.clock)

        async def run():
            tokens = [self.issuer.token(sub=f"user-{n}") for n in range(20)] + [self.issuer.token(Key(f"f{n}")) for n in range(20)]
            return await asyncio.gather(*(v.authenticate("bearer " + t) for t in tokens), return_exceptions=True)

        results = asyncio.run(run())
        self.assertEqual([u.id for u in results[:20]], [f"user-{n}" for n in range(20)])
        self.assertTrue(all(isinstance(e, latchkey.Unauthenticated) for e in results[20:]), results[20:])
        self.assertEqual(self.issuer.fetches, 1)
        self.issuer.fail = FAULTS["500"]
        self.clock.now += 400
        with self.assertRaises(latchkey.Unavailable):
            asyncio.run(v.verify(self.issuer.token()))

    def test_resource_metadata(self):
        resource = "https://mcp.example.com/mcp"
        self.assertEqual(latchkey.resource_metadata_url(resource), "https://mcp.example.com/.well-known/oauth-protected-resource/mcp")
        self.assertEqual(latchkey.resource_metadata_path("https://mcp.example.com/"), "/.well-known/oauth-protected-resource")
        self.assertEqual(
            latchkey.resource_metadata("https://auth.example.com/", resource, ["tools:call"]),
            {"resource": resource, "authorization_servers": ["https://auth.example.com"], "bearer_methods_supported": ["header"], "scopes_supported": ["tools:call"]},
        )
        _, headers = latchkey.problem(latchkey.Unauthenticated("x"), resource)
        self.assertEqual(
            headers["WWW-Authenticate"],
            'Bearer error="invalid_token", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
        )
