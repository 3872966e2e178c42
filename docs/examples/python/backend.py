"""The Python example of docs/backends.md, on the package in sdk/python."""

import importlib.util
import pathlib
import sys

if importlib.util.find_spec("latchkey") is None:  # not installed: that of this repository
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "sdk" / "python" / "src"))

# docs:verify
import latchkey


class Verifier:
    """Says who sent a request, by its Authorization header. A process has one."""

    def __init__(self, issuer: str, audience: str):
        self.verifier = latchkey.Verifier(issuer, audience)

    def user(self, authorization: str) -> dict:
        """Return the user. Raises a latchkey.LatchkeyError: then answer its status, 401 or 503."""
        user = self.verifier.authenticate(authorization)
        return {"id": user.id, "session": user.session, "team": user.team, "role": user.role}
# docs:end
