import unittest

from .helper import AUDIENCE, FAULTS, Issuer, optional

optional("fastapi", "httpx")

from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from latchkey.fastapi import Event, Latchkey, User, webhook_event

from .test_webhook import SECRET, delivery


class FastAPITest(unittest.TestCase):
    def setUp(self):
        self.issuer = Issuer(self)
        latchkey_url, audience, webhook_secret = self.issuer.url, AUDIENCE, SECRET
        merged = self.merged = []
        # docs:fastapi
        app = FastAPI()
        auth = Latchkey(latchkey_url, audience)

        @app.get("/me")
        async def me(user: User = Depends(auth.user)):
            return {"id": user.id}

        @app.get("/")
        def home(user: User = Depends(auth.optional_user)):
            return {"id": user.id if user else None}

        @app.get("/teams/{team}")
        def team(team: str, user: User = Depends(auth.require_role("member", team="team"))):
            return {"id": user.id}

        @app.post("/webhooks", status_code=204)
        def webhook(event: Event = Depends(webhook_event(webhook_secret))):
            if event.type == "user.merged":
                merged.append(event.data["from"])

        # docs:end

        @app.get("/admin")
        def admin(user: User = Depends(auth.require_role("admin"))):
            return {"id": user.id}

        @app.get("/scope")
        def scope(user: User = Depends(auth.require_scope("notes:read"))):
            return {"id": user.id}

        self.client = TestClient(app)

    def get(self, path, token=None, **headers):
        if token:
            headers["Authorization"] = "bearer " + token
        return self.client.get(path, headers=headers)

    def test_answers(self):
        token = self.issuer.token()
        self.assertEqual(self.get("/me", token).json(), {"id": "user-1"})
        for path, claims, status in (
            ("/me", {"sid": None}, 403),
            ("/admin", {}, 200),
            ("/admin", {"role": "member"}, 403),
            ("/admin", {"team": None, "role": None}, 403),
            ("/teams/team-1", {}, 200),
            ("/teams/team-2", {}, 403),
            ("/scope", {}, 403),
            ("/scope", {"scope": "notes:read"}, 200),
        ):
            self.assertEqual(self.get(path, self.issuer.token(**claims)).status_code, status, (path, claims))
        none, wrong = self.get("/me"), self.get("/me", token[:-4])
        self.assertEqual((none.status_code, none.headers["www-authenticate"]), (401, "Bearer"))
        self.assertEqual((wrong.status_code, wrong.headers["www-authenticate"]), (401, 'Bearer error="invalid_token"'))
        self.assertEqual([self.get("/", t).json()["id"] for t in (None, token, "x")], [None, "user-1", None])
        twice = self.client.get("/me", headers=[("Authorization", "Bearer " + token)] * 2)
        self.assertEqual(twice.status_code, 401)

    def test_without_latchkey(self):
        self.issuer.fail = FAULTS["500"]
        token = self.issuer.token()
        for path in ("/me", "/admin", "/scope"):
            with self.assertLogs("latchkey", "ERROR") as logged:  # the client is not shown why
                away = self.get(path, token)
            self.assertEqual((away.status_code, away.headers["retry-after"]), (503, "5"))
            self.assertIn("500", logged.output[0])
        self.assertEqual(self.get("/", token).json(), {"id": None})

    def test_webhook(self):
        headers, body = delivery()
        self.assertEqual(self.client.post("/webhooks", content=body, headers=headers).status_code, 204)
        self.assertEqual(self.merged, ["u2"])
        self.assertEqual(self.client.post("/webhooks", content=body + b" ", headers=headers).status_code, 401)
        self.assertEqual(self.client.post("/webhooks", content=body).status_code, 401)
        # Without a length: it is not read to its end.
        endless = (b"x" * (1 << 16) for _ in range(1 << 6))
        self.assertEqual(self.client.post("/webhooks", content=endless, headers=headers).status_code, 413)
        self.assertEqual(self.merged, ["u2"])

    def test_documented(self):
        schema = self.client.get("/openapi.json").json()
        self.assertEqual(schema["paths"]["/me"]["get"]["security"], [{"Latchkey": []}])
