"""Each answer of the API that is no picture ends in the right class, is not repeated, and keeps the key secret."""

from __future__ import annotations

from datetime import timedelta

import pytest

from providers import errors
from providers.base import Failed, Finished, Job, Json, LookupUnsupported, MediaKind
from providers.errors import ProviderError
from providers.gemini import GeminiProvider
from providers.google import failures
from tests.emulators.gemini import GeminiEmulator
from tests.providers.gemini.conftest import KEY
from tests.providers.media import image_job

BLOCKS = ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK"]
FINISHES = [
    *("MAX_TOKENS", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"),
    *("IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "OTHER"),
]


async def failure_of(
    provider: GeminiProvider, prompt: str, model: str = "gemini-nano-banana-2.1", **params: str
) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.submit(Job("job-1", model, MediaKind.IMAGE, prompt, (), params))
    return caught.value


@pytest.mark.integration
@pytest.mark.parametrize("reason", BLOCKS)
async def test_a_blocked_prompt_is_content_blocked(
    provider: GeminiProvider, emulator: GeminiEmulator, reason: str
) -> None:
    failure = await failure_of(provider, f"a fox #block={reason}")
    assert type(failure) is errors.ContentBlocked
    assert reason in failure.detail
    assert len(emulator.calls) == 1


@pytest.mark.integration
@pytest.mark.parametrize("reason", FINISHES)
async def test_a_refused_picture_is_content_blocked(
    provider: GeminiProvider, emulator: GeminiEmulator, reason: str
) -> None:
    failure = await failure_of(provider, f"a fox #finish={reason}")
    assert type(failure) is errors.ContentBlocked
    assert reason in failure.detail
    assert len(emulator.calls) == 1


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore:BRAND_NEW_REASON is not a valid:UserWarning")
async def test_a_reason_that_nobody_has_heard_of_is_content_blocked(provider: GeminiProvider) -> None:
    failure = await failure_of(provider, "a fox #finish=BRAND_NEW_REASON")
    assert type(failure) is errors.ContentBlocked


@pytest.mark.integration
@pytest.mark.parametrize("reason", ["IMAGE_OTHER", "NO_IMAGE"])
async def test_a_stumble_is_asked_for_once_more(
    provider: GeminiProvider, emulator: GeminiEmulator, reason: str
) -> None:
    result = await provider.submit(image_job(f"a fox #finish={reason} #first=1", model="gemini-3-pro-image"))
    assert isinstance(result, Finished)
    assert len(emulator.calls) == 2


@pytest.mark.integration
@pytest.mark.parametrize("reason", ["IMAGE_OTHER", "NO_IMAGE"])
async def test_a_second_stumble_is_content_blocked(
    provider: GeminiProvider, emulator: GeminiEmulator, reason: str
) -> None:
    failure = await failure_of(provider, f"a fox #finish={reason}")
    assert type(failure) is errors.ContentBlocked
    assert len(emulator.calls) == 2


@pytest.mark.integration
async def test_the_prose_of_a_refusal_is_kept_for_the_log(provider: GeminiProvider) -> None:
    failure = await failure_of(provider, "a fox #refuse")
    assert type(failure) is errors.ContentBlocked
    assert "I cannot make this picture" in failure.detail


@pytest.mark.integration
async def test_an_answer_without_candidates_is_content_blocked(provider: GeminiProvider) -> None:
    assert type(await failure_of(provider, "a fox #nothing")) is errors.ContentBlocked


@pytest.mark.integration
@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("#status=400", errors.InvalidRequest),
        ("#status=401", errors.AuthFailed),
        ("#status=402", errors.QuotaExhausted),
        ("#status=403", errors.AuthFailed),
        ("#status=404", errors.ModelRetired),
        ("#status=408", errors.Ambiguous),
        ("#status=410", errors.ModelRetired),
        ("#status=413", errors.InvalidRequest),
        ("#status=499", errors.Ambiguous),
        ("#status=500", errors.ProviderUnavailable),
        ("#status=502", errors.ProviderUnavailable),
        ("#status=503", errors.ProviderUnavailable),
        ("#status=504", errors.Ambiguous),
        ("#nokey", errors.AuthFailed),
        ("#quota", errors.QuotaExhausted),
        ("#precondition=User_location_is_not_supported_for_the_API_use.", errors.AuthFailed),
        ("#precondition=Please_enable_billing_on_your_project.", errors.QuotaExhausted),
        ("#garbage", errors.Ambiguous),
        ("#odd", errors.Ambiguous),
        ("#close", errors.Ambiguous),
    ],
)
async def test_every_error_has_its_class_and_is_not_repeated(
    provider: GeminiProvider, emulator: GeminiEmulator, prompt: str, expected: type[ProviderError]
) -> None:
    failure = await failure_of(provider, f"a fox {prompt}")
    assert type(failure) is expected, failure.detail
    assert failure.detail
    assert len(emulator.calls) == 1


@pytest.mark.integration
async def test_a_pause_asked_for_in_the_body_is_kept(provider: GeminiProvider) -> None:
    failure = await failure_of(provider, "a fox #retry=17.5s")
    assert isinstance(failure, errors.RateLimited)
    assert failure.retry_after == timedelta(seconds=17.5)


@pytest.mark.integration
async def test_a_model_that_is_gone_is_retired(provider: GeminiProvider) -> None:
    failure = await failure_of(provider, "a fox", model="gemini-3-pro-image-preview")
    assert type(failure) is errors.ModelRetired
    assert "no longer available" in failure.detail


@pytest.mark.integration
async def test_an_impossible_shape_is_an_invalid_request(provider: GeminiProvider) -> None:
    assert type(await failure_of(provider, "a fox", aspect_ratio="7:5")) is errors.InvalidRequest


@pytest.mark.integration
async def test_a_wrong_key_is_told_as_such(address: str) -> None:
    provider = GeminiProvider("another-key", base_url=address)
    assert type(await failure_of(provider, "a fox")) is errors.AuthFailed
    await provider.close()


@pytest.mark.integration
async def test_an_answer_that_does_not_come_in_time_is_ambiguous(address: str, emulator: GeminiEmulator) -> None:
    provider = GeminiProvider(KEY, base_url=address, timeout=0.3)
    failure = await failure_of(provider, "a fox #delay=5")
    assert type(failure) is errors.Ambiguous
    assert len(emulator.calls) == 1
    await provider.close()


@pytest.mark.integration
async def test_the_key_is_struck_out_of_what_google_says(provider: GeminiProvider) -> None:
    failure = await failure_of(provider, "a fox #echo")
    assert "leaked" in failure.detail
    assert "[key]" in failure.detail
    assert KEY not in f"{failure!r} {failure} {failure.detail} {failure.args}"
    assert failure.__cause__ is None
    assert failure.__suppress_context__


def test_an_ambiguous_call_outweighs_every_other_failure() -> None:
    everything = [failure("x") for failure in errors.FAILURE_CLASSES]
    assert type(failures.most_telling(everything)) is errors.Ambiguous
    assert type(failures.most_telling([errors.ProviderUnavailable(), errors.RateLimited()])) is errors.RateLimited


@pytest.mark.parametrize(
    ("message", "details", "expected"),
    [
        ("Resource has been exhausted", None, errors.RateLimited),
        ("You exceeded your current quota, please check your plan and billing details.", None, errors.QuotaExhausted),
        (
            "Quota exceeded for metric: free_tier_requests, limit: 0. Please retry in 17s.",
            [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "17s"}],
            errors.QuotaExhausted,
        ),
        (
            "You exceeded your current quota. Please retry in 17s.",
            [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "17s"}],
            errors.RateLimited,
        ),
        (
            "Slow down",
            [{"@type": "x/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}],
            errors.QuotaExhausted,
        ),
        ("Project spending cap reached", None, errors.QuotaExhausted),
    ],
)
def test_a_pause_is_told_from_an_empty_account(message: str, details: Json, expected: type[ProviderError]) -> None:
    body: Json = {"error": {"code": 429, "message": message, "details": details}}
    assert type(failures.from_status(429, "RESOURCE_EXHAUSTED", message, body)) is expected


@pytest.mark.parametrize("delay", ["soon", "", None, 17])
def test_a_delay_that_cannot_be_read_is_no_delay(delay: Json) -> None:
    assert failures.retry_delay({"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": delay}]}) is None


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "ключ"])
def test_a_key_that_cannot_be_a_header_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="Gemini API key") as caught:
        GeminiProvider(key)
    assert not key or key not in str(caught.value)


async def test_nothing_can_be_looked_up_polled_or_cancelled() -> None:
    provider = GeminiProvider(KEY)
    with pytest.raises(LookupUnsupported):
        await provider.find("job-1")
    assert isinstance(await provider.poll("x"), Failed)
    await provider.cancel("x")
    assert provider.parse_webhook({}, b"{}") is None
    await provider.close()
