class LatchkeyError(Exception):
    """What keeps a request from being served. `status` is the HTTP status to answer."""

    status = 500
    code = "internal"
    title = "Internal error"


class Unauthenticated(LatchkeyError):
    """No token, or one that is forged, expired, for another service or otherwise refused."""

    status = 401
    code = "unauthenticated"
    title = "Not signed in"


class NoToken(Unauthenticated):
    """A request without a bearer token."""


class MachineToken(Unauthenticated):
    """The token of a machine, a team's API key, where a user is required.

    Answer 403: another token of the key would not help.
    """

    status = 403
    code = "forbidden"
    title = "Forbidden"


class Forbidden(LatchkeyError):
    """A user or a machine without the role or the scope that is required."""

    status = 403
    code = "forbidden"
    title = "Forbidden"


class Unavailable(LatchkeyError):
    """The token could not be checked: Latchkey does not answer, or something is not configured.

    Answer 503 and never 401: the client would sign the person in again, which does not help.
    """

    status = 503
    code = "unavailable"
    title = "Sign-in service unavailable"
