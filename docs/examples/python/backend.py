"""The Python example of docs/backends.md. It needs PyJWT and cryptography."""
import jwt


class Verifier:
    """Checks access tokens of Latchkey. It keeps the keys for a minute."""

    def __init__(self, issuer: str, audience: str):
        self.issuer, self.audience = issuer, audience
        self.keys = jwt.PyJWKClient(issuer + "/.well-known/jwks.json", lifespan=60)

    def user(self, authorization: str) -> dict:
        """Who sent a request with this Authorization header.

        Raises jwt.PyJWTError: then answer 401. Nothing else tells who it was:
        no body, no other header.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise jwt.InvalidTokenError("no bearer token")
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("no access token")
        claims = jwt.decode(
            token,
            self.keys.get_signing_key_from_jwt(token).key,
            algorithms=["EdDSA", "ES256"],
            issuer=self.issuer,
            audience=self.audience,
            options={"require": ["exp", "iss", "aud", "sub", "sid"]},
        )
        return {"id": claims["sub"], "session": claims["sid"], "team": claims.get("team"), "role": claims.get("role")}
