"""What Google's words mean where its codes do not tell, and that no secret stays in them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from providers import errors
from providers.base import Json
from providers.errors import ProviderError
from providers.google import failures


def judged(code: int, status: str, message: str, reason: str = "") -> ProviderError:
    details: Json = {"error": {"details": [{"@type": "x/google.rpc.ErrorInfo", "reason": reason}]}}
    return failures.from_status(code, status, message, details)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Quota exceeded for online_prediction_requests_per_minute_per_base_model: veo", errors.RateLimited),
        ("Quota exceeded for quota metric 'Requests per minute' of service", errors.RateLimited),
        ("Quota exceeded: GenerateRequestsPerDayPerProject", errors.QuotaExhausted),
        ("Quota exceeded for requests_per_minute, limit: 0", errors.QuotaExhausted),
        ("Your prepayment credits are depleted.", errors.QuotaExhausted),
        ("Resource exhausted. Please try again later.", errors.RateLimited),
    ],
)
def test_a_quota_of_a_minute_is_told_from_an_empty_account(message: str, expected: type[ProviderError]) -> None:
    assert type(judged(429, "RESOURCE_EXHAUSTED", message)) is expected


@pytest.mark.parametrize(
    ("message", "reason", "expected"),
    [
        ("This API method requires billing to be enabled.", "BILLING_DISABLED", errors.QuotaExhausted),
        ("Permission 'aiplatform.endpoints.predict' denied on resource", "IAM_PERMISSION_DENIED", errors.AuthFailed),
        (
            "Vertex AI API has not been used in project 1 before or it is disabled",
            "SERVICE_DISABLED",
            errors.AuthFailed,
        ),
    ],
)
def test_an_account_without_money_is_told_from_one_without_rights(
    message: str, reason: str, expected: type[ProviderError]
) -> None:
    assert type(judged(403, "PERMISSION_DENIED", message, reason)) is expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("This prompt contains sensitive words that violate Google's Responsible AI practices.", errors.ContentBlocked),
        ("Veo could not generate videos based on the prompt. Support codes: 58061214", errors.ContentBlocked),
        ("The input image violates our usage guidelines.", errors.ContentBlocked),
        ("Unsupported aspect ratio 1:1.", errors.InvalidRequest),
        ("The field storageUri violates the pattern gs://", errors.InvalidRequest),
    ],
)
def test_a_refusal_is_told_from_a_malformed_request(message: str, expected: type[ProviderError]) -> None:
    assert type(judged(400, "INVALID_ARGUMENT", message)) is expected
    assert type(failures.from_operation(3, message)) is expected


def test_long_words_are_cut() -> None:
    assert len(judged(500, "INTERNAL", "x" * 9000).detail) == failures.LONGEST_DETAIL
    assert len(failures.from_operation(13, "x" * 9000).detail) == failures.LONGEST_DETAIL


def test_secrets_and_whatever_looks_like_a_token_are_struck_out() -> None:
    failure = errors.RateLimited("the key hunter2hunter2 and ya29.A0_b-c.d were seen", retry_after=None)
    cleaned = failures.without(failure, ("hunter2hunter2",))
    assert cleaned is failure
    assert cleaned.detail == "the key [key] and [key] were seen"
    assert "hunter2" not in f"{cleaned!r} {cleaned} {cleaned.args}"


def test_a_key_is_checked_without_any_library_of_google() -> None:
    program = """
import sys, providers.google.account
try:
    providers.google.account.ServiceAccount.parse("{}")
except ValueError:
    pass
print([name for name in sys.modules if name.startswith(("google.", "httpx", "pydantic", "cryptography", "requests"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_adapter_of_veo_is_imported_without_the_sdk() -> None:
    program = """
import sys, providers.veo
print([name for name in sys.modules if name.startswith("google.")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
