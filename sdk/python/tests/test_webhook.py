import base64
import hashlib
import hmac
import json
import time
import unittest
from unittest import mock

import latchkey

EVENT = {"id": "e1", "type": "user.merged", "seq": 42, "at": "2026-03-01T12:00:00.123456789Z", "api_version": "v1", "data": {"from": "u2", "into": "u1"}}
KEY = b"7" * 24
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def delivery(key=KEY, at=None, body=json.dumps(EVENT)):
    at = str(int(at or time.time()))
    signature = base64.b64encode(hmac.new(key, f"e1.{at}.{body}".encode(), hashlib.sha256).digest()).decode()
    return {"Webhook-Id": "e1", "webhook-timestamp": at, "webhook-signature": f"v1a,AAAA v1,AAAA v1,{signature}"}, body.encode()


class WebhookTest(unittest.TestCase):
    def test_specification(self):
        """The example of Standard Webhooks, so that this does not only agree with itself."""
        headers = {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
        with mock.patch("time.time", return_value=1614265330):
            with self.assertRaisesRegex(latchkey.Unauthenticated, "is no event"):  # so the signature is right
                latchkey.verify_webhook(headers, b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    def test_event(self):
        event = latchkey.verify_webhook(*delivery(), SECRET)
        self.assertEqual((event.id, event.type, event.seq, event.at.year, event.data["into"]), ("e1", "user.merged", 42, 2026, "u1"))
        for at in ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z"):
            self.assertEqual(latchkey.verify_webhook(*delivery(body=json.dumps(EVENT | {"at": at})), SECRET).at.hour, 12)

    def test_refused(self):
        headers, body = delivery()
        for name, (h, b) in {
            "another secret": delivery(b"other"),
            "another body": (headers, body.replace(b"u2", b"u3")),
            "another id": (headers | {"Webhook-Id": "e2"}, body),
            "old": delivery(at=time.time() - 400),
            "from the future": delivery(at=time.time() + 400),
            "no headers": ({}, body),
            "no signature": (headers | {"webhook-signature": ""}, body),
            "too large": delivery(body=" " * (1 << 21)),
            "no JSON": delivery(body="<html>"),
            "no event": delivery(body="[]"),
        }.items():
            with self.subTest(name), self.assertRaises(latchkey.Unauthenticated):
                latchkey.verify_webhook(h, b, SECRET)
        for secret in ("", "whsec_", "whsec_%%"):
            with self.subTest(secret), self.assertRaises(latchkey.Unavailable):
                latchkey.verify_webhook(headers, body, secret)
