"""Latchkey for Django and Django REST framework.

    LATCHKEY = {"ISSUER": "https://auth.example.com", "AUDIENCE": "https://api.example.com"}
    AUTHENTICATION_BACKENDS = ["latchkey.django.LatchkeyBackend"]
    MIDDLEWARE = [..., "latchkey.django.LatchkeyMiddleware"]
    REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["latchkey.django.LatchkeyAuthentication"]}

A person is a row of AUTH_USER_MODEL, whose username is their id at Latchkey. Set
LATCHKEY["GET_USER"] to the path of a function that takes a latchkey.User and returns
your own row instead, or None to refuse them.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.backends import BaseBackend
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string

from ._errors import Forbidden, LatchkeyError, MachineToken, NoToken, Unauthenticated, Unavailable
from ._http import bearer_token, log_unavailable, problem
from ._user import User
from ._verifier import Verifier

__all__ = ["LatchkeyBackend", "LatchkeyMiddleware", "get_verifier", "refusal", "require_role", "require_user"]


@functools.lru_cache(maxsize=1)
def get_verifier() -> Verifier:
    """Return the verifier of this process, as settings.LATCHKEY says."""
    options = settings.LATCHKEY
    return Verifier(options["ISSUER"], options["AUDIENCE"], **options.get("OPTIONS", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "LATCHKEY":
        get_verifier.cache_clear()


setting_changed.connect(_forget)  # tests override settings


def get_user(person: User) -> Any:
    """Return the row of a person, and create it the first time."""
    if path := settings.LATCHKEY.get("GET_USER"):
        return import_string(path)(person)
    model = get_user_model()
    row, created = model.objects.get_or_create(**{model.USERNAME_FIELD: person.id})
    if created:
        row.set_unusable_password()
        row.save()
    return row


class LatchkeyBackend(BaseBackend):
    """Authenticates by an access token: `authenticate(request, token=...)`."""

    def authenticate(self, request: HttpRequest | None, token: str | None = None, **_: Any) -> Any:
        """Return the row of the user whose token it is, None if it is refused.

        Raises latchkey.Unavailable if it cannot be checked, and latchkey.MachineToken for
        that of a machine. The latchkey.User is its attribute `latchkey`.
        """
        if token is None:
            return None
        try:
            person = get_verifier().verify(token)
        except MachineToken:
            raise
        except Unauthenticated:
            return None
        row = get_user(person)
        if row is None or not getattr(row, "is_active", True):
            return None
        row.latchkey = person
        return row

    def get_user(self, user_id: Any) -> Any:
        model = get_user_model()
        row = model._default_manager.filter(pk=user_id).first()
        return row if row is not None and getattr(row, "is_active", True) else None


class LatchkeyMiddleware:
    """Sets request.user and request.latchkey by the Authorization header.

    Without a valid token request.latchkey is None and request.user as it was: views that
    anybody may see work, also while Latchkey is away. It goes after
    AuthenticationMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.latchkey, request.latchkey_error = None, None
        try:
            token = bearer_token(request.headers.get("Authorization"))
            row = authenticate(request, token=token)
            if row is None or getattr(row, "latchkey", None) is None:
                raise Unauthenticated("the token is refused")
            request.user, request.latchkey = row, row.latchkey
        except LatchkeyError as e:
            request.latchkey_error = e
        return self.get_response(request)


def refusal(error: LatchkeyError) -> JsonResponse:
    """Return the answer to an error: 401, 403 or 503."""
    document, headers = problem(error, settings.LATCHKEY.get("RESOURCE"))
    return JsonResponse(document, status=error.status, headers=headers, content_type=headers.pop("Content-Type"))


def require_user(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 401 without a valid token, 403 for that of a machine and 503 if it cannot be checked. For views behind LatchkeyMiddleware."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "latchkey", None) is None:
            return refusal(getattr(request, "latchkey_error", None) or NoToken("no bearer token"))
        return view(request, *args, **kwargs)

    return checked


def require_role(role: str, team: str | None = None) -> Callable[..., Any]:
    """Answer 403 unless the user has at least a role in the team that their token acts in.

    `team` is the name of the view's argument that says which team it has to be.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @require_user
        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            wanted = request.latchkey.team if team is None else kwargs[team]
            if not request.latchkey.has_role(wanted, role):
                return refusal(Forbidden(f"not {role} of the team"))
            return view(request, *args, **kwargs)

        return checked

    return decorate


try:
    from rest_framework.authentication import BaseAuthentication
    from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
    from rest_framework.permissions import BasePermission
except ImportError:  # without Django REST framework the rest works
    pass
else:

    class ServiceUnavailable(APIException):
        """A token that could not be checked."""

        status_code = 503
        default_detail = "Sign-in service unavailable"
        default_code = "unavailable"
        wait = 5  # Retry-After

    class LatchkeyAuthentication(BaseAuthentication):
        """Authenticates requests by access tokens: request.user is the row, request.auth the latchkey.User."""

        def authenticate(self, request: Any) -> tuple[Any, User] | None:
            try:
                token = bearer_token(request.headers.get("Authorization"))
            except Unauthenticated:
                return None  # permissions decide about requests without a token
            try:
                person = get_verifier().verify(token)
            except MachineToken as e:
                raise PermissionDenied() from e
            except Unauthenticated as e:
                raise AuthenticationFailed("the token is refused") from e
            except Unavailable as e:
                log_unavailable(e)
                raise ServiceUnavailable() from e
            row = get_user(person)
            if row is None or not getattr(row, "is_active", True):
                raise AuthenticationFailed("the token is refused")
            return row, person

        def authenticate_header(self, request: Any) -> str:
            return "Bearer"

    def has_role(role: str, team: str | None = None) -> type[BasePermission]:
        """Return a permission: at least a role in the team that the token acts in.

        `team` is the name of the URL's argument that says which team it has to be.
        """

        class HasRole(BasePermission):
            def has_permission(self, request: Any, view: Any) -> bool:
                person = request.auth
                if not isinstance(person, User):
                    return False
                return person.has_role(person.team if team is None else view.kwargs[team], role)

        return HasRole

    __all__ += ["LatchkeyAuthentication", "ServiceUnavailable", "has_role"]
