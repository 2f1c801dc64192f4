"""How Google refuses: one shape for all of its services, and the service accounts that it knows us by."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulators.service import Refused

Body = dict[str, Any]

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
RESPONSIBLE = (
    "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI "
    "practices. Try rephrasing the prompt. Support codes: 58061214"
)
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def refused(code: int, message: str, *, details: list[Body] | None = None) -> Refused:
    """Return an error as every service of Google writes it."""
    error: Body = {"code": code, "message": message, "status": STATUSES.get(code, "UNKNOWN")}
    return Refused(code, {"error": error | ({"details": details} if details else {})})


def refusal(kind: str, value: str = "") -> Refused:
    """Return how Vertex refuses, by the words of `tests.emulators.service`."""
    if kind == "status":
        return refused(int(value), f"emulated {STATUSES.get(int(value), 'failure')}")
    if kind == "retry":
        return refused(
            429,
            "Resource exhausted. Please try again later.",
            details=[{"@type": RETRY_INFO, "retryDelay": f"{value}s"}],
        )
    if kind == "quota":
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BILLING_DISABLED"}
        return refused(403, "This API method requires billing to be enabled.", details=[reason])
    if kind == "echo":
        return refused(403, f"The token {value} may not use this project.")
    said = {
        "busy": (
            429,
            "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_minute_per_base_model with "
            "base model: veo-3.1-generate. Please submit a quota increase request.",
        ),
        "nokey": (401, "Request had invalid authentication credentials. Expected OAuth 2 access token."),
        "block": (400, RESPONSIBLE),
        "invalid": (400, value or "Request contains an invalid argument."),
    }
    return refused(*said[kind])


@cache
def private_key(name: str = "the service's") -> rsa.RSAPrivateKey:
    """Return a key; another name makes another one."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(address: str, *, project: str = "emulated-project", key: str = "the service's") -> str:
    """Return the JSON key of a service account whose tokens are handed out by an emulator at the address."""
    pem = private_key(key).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": "0123456789abcdef",
            "private_key": pem.decode(),
            "client_email": f"nanobanana@{project}.iam.gserviceaccount.com",
            "client_id": "100000000000000000000",
            "auth_uri": f"{address}/auth",
            "token_uri": f"{address}/token",
            "universe_domain": "googleapis.com",
        }
    )
