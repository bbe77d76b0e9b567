"""An issuer of tokens that a server is told to believe."""

import base64
import json
import pathlib
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROLES = [
    "reader", "analyst", "offender_manager", "detective", "supervisor", "cohort_panel", "evidence_writer", "batch",
    "policy_author", "policy_approver", "auditor", "administrator",
]
BY_NAME = ["see_children", "see_sensitive_intelligence"]


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class Issuer:
    """Makes tokens, and a file of the public keys that they are signed by."""

    def __init__(self, folder: pathlib.Path, name: str, audience: str):
        self.name = name
        self.audience = audience
        self.key = Ed25519PrivateKey.generate()
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        public = part(self.key.public_key().public_bytes(*raw))
        key = {"kty": "OKP", "crv": "Ed25519", "kid": "test", "use": "sig", "alg": "EdDSA", "x": public}
        self.keys = folder / "jwks.json"
        self.keys.write_text(json.dumps({"keys": [key]}), encoding="utf-8")

    def token(self, subject: str = "fuzz", roles: list[str] = ROLES) -> str:
        """Somebody of these roles for the whole force, for a day; of all roles unless it is said."""
        now = int(time.time())
        claims = {
            "iss": self.name, "aud": self.audience, "sub": subject, "iat": now - 60, "nbf": now - 60, "exp": now + 80_000,
            "roles": roles, "areas": ["*"], "permissions": BY_NAME,
        }
        header = {"alg": "EdDSA", "typ": "JWT", "kid": "test"}
        signed = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
        return f"{signed}.{part(self.key.sign(signed.encode()))}"
