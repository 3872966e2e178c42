import unittest

from .helper import AUDIENCE, FAULTS, Issuer, optional

optional("django", "rest_framework")

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only for tests",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "rest_framework"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "latchkey.django.LatchkeyMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend", "latchkey.django.LatchkeyBackend"],
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["latchkey.django.LatchkeyAuthentication"]},
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LATCHKEY={"ISSUER": "http://127.0.0.1:1", "AUDIENCE": AUDIENCE},
    )
    django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.http import JsonResponse
from django.test import Client, override_settings
from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response

from latchkey.django import get_verifier, has_role, require_role, require_user


@api_view()
@permission_classes([IsAuthenticated])
def me(request):
    return Response({"id": request.auth.id, "row": request.user.username})


@api_view()
@permission_classes([AllowAny])
def drf_home(request):
    return Response({"id": request.auth.id if request.auth else None})


@api_view()
@permission_classes([has_role("admin")])
def admin(request):
    return Response({"id": request.auth.id})


@api_view()
@permission_classes([has_role("member", team="team")])
def drf_team(request, team):
    return Response({"id": request.auth.id})


def home(request):
    return JsonResponse({"id": request.latchkey.id if request.latchkey else None})


@require_user
def plain(request):
    return JsonResponse({"id": request.latchkey.id, "row": request.user.username})


@require_role("admin")
def plain_admin(request):
    return JsonResponse({})


@require_role("member", team="team")
def plain_team(request, team):
    return JsonResponse({})


urlpatterns = [
    path("drf/me", me),
    path("drf/", drf_home),
    path("drf/admin", admin),
    path("drf/teams/<team>", drf_team),
    path("", home),
    path("plain", plain),
    path("plain/admin", plain_admin),
    path("plain/teams/<team>", plain_team),
]


def only_customers(person):
    return get_user_model().objects.filter(username=person.id).first()


class DjangoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        call_command("migrate", verbosity=0, run_syncdb=True)

    def setUp(self):
        self.issuer = Issuer(self)
        self.use(ISSUER=self.issuer.url, AUDIENCE=AUDIENCE)

    def use(self, **options):
        override = override_settings(LATCHKEY=options)
        override.enable()
        self.addCleanup(override.disable)

    def get(self, path, token=None, client=None):
        return (client or Client()).get(path, **({"HTTP_AUTHORIZATION": "bearer " + token} if token else {}))

    def test_answers(self):
        token = self.issuer.token()
        for at in ("/drf/me", "/plain"):
            self.assertEqual(self.get(at, token).json(), {"id": "user-1", "row": "user-1"})
            none = self.get(at)
            self.assertEqual((none.status_code, none.headers["WWW-Authenticate"]), (401, "Bearer"))
            wrong = self.get(at, token[:-4])
            self.assertEqual(wrong.status_code, 401)
            self.assertTrue(wrong.headers["WWW-Authenticate"].startswith("Bearer"))
            self.assertEqual(self.get(at, self.issuer.token(sid=None)).status_code, 403)
        for at, claims, status in (
            ("/admin", {}, 200),
            ("/admin", {"role": "member"}, 403),
            ("/admin", {"team": None, "role": None}, 403),
            ("/teams/team-1", {}, 200),
            ("/teams/team-2", {}, 403),
        ):
            for prefix in ("/drf", "/plain"):
                self.assertEqual(self.get(prefix + at, self.issuer.token(**claims)).status_code, status, (prefix, at, claims))
        self.assertEqual([self.get("/", t).json()["id"] for t in (None, token, "x")], [None, "user-1", None])
        self.assertEqual([self.get("/drf/", t).json()["id"] for t in (None, token)], [None, "user-1"])
        self.assertEqual(get_user_model().objects.filter(username="user-1").count(), 1)
        self.assertFalse(get_user_model().objects.get(username="user-1").has_usable_password())
        self.assertEqual(self.issuer.fetches, 1)

    def test_without_latchkey(self):
        self.issuer.fail = FAULTS["500"]
        token = self.issuer.token()
        for at in ("/drf/me", "/drf/admin", "/plain", "/plain/admin"):
            with self.assertLogs("latchkey", "ERROR") as logged:
                away = self.get(at, token)
            self.assertIn("500", logged.output[0])
            self.assertEqual((away.status_code, away.headers["Retry-After"]), (503, "5"), at)
        self.assertEqual(self.get("/", token).json(), {"id": None})

    def test_users_of_your_own(self):
        row, _ = get_user_model().objects.get_or_create(username="customer")
        self.use(ISSUER=self.issuer.url, AUDIENCE=AUDIENCE, GET_USER=f"{__name__}.only_customers")
        for at in ("/drf/me", "/plain"):
            self.assertEqual(self.get(at, self.issuer.token(sub="customer")).status_code, 200)
            self.assertEqual(self.get(at, self.issuer.token(sub="stranger")).status_code, 401)
        self.assertFalse(get_user_model().objects.filter(username="stranger").exists())
        row.is_active = False
        row.save()
        for at in ("/drf/me", "/plain"):
            self.assertEqual(self.get(at, self.issuer.token(sub="customer")).status_code, 401)

    def test_session_of_django_stays(self):
        """A person whom Django's own session signed in is not one whom Latchkey did."""
        row, _ = get_user_model().objects.get_or_create(username="user-1")
        client = Client()
        client.force_login(row, backend="django.contrib.auth.backends.ModelBackend")
        self.assertEqual(self.get("/plain", client=client).status_code, 401)
        self.assertEqual(self.get("/plain", "x", client=client).status_code, 401)

    def test_settings_change(self):
        first = get_verifier()
        self.use(ISSUER=self.issuer.url, AUDIENCE="https://other.example.com")
        self.assertIsNot(get_verifier(), first)
        self.assertEqual(self.get("/plain", self.issuer.token()).status_code, 401)
