"""Reads an answer of ``generateContent``: the picture in it, or why there is none although the status is 200."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from providers.base import Media
from providers.errors import ContentBlocked
from providers.gemini import models
from providers.google.failures import LONGEST_DETAIL

if TYPE_CHECKING:
    from google.genai import types

# The model stumbled, it did not refuse: asking once more is reasonable.
STUMBLES = frozenset({"IMAGE_OTHER", "NO_IMAGE"})

FINISHED = frozenset({"STOP", "MAX_TOKENS"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: exactly one of `media` and `refusal` is set. Both may have cost something."""

    media: Media | None
    refusal: ContentBlocked | None
    is_stumble: bool
    cost_usd: Decimal | None


def read(model: str, response: types.GenerateContentResponse) -> Answer:
    """Take the last picture that is not part of a thought: the models think in draft pictures."""
    cost = models.cost(model, response.usage_metadata)
    candidate = response.candidates[0] if response.candidates else None
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    shown = [part for part in parts if not part.thought]
    pictures = [part.inline_data for part in shown if part.inline_data is not None and part.inline_data.data]
    if pictures:
        return Answer(
            Media(pictures[-1].mime_type or "image/png", pictures[-1].data), None, is_stumble=False, cost_usd=cost
        )
    prose = " ".join(part.text for part in shown if part.text)
    reason = _reason(response, candidate)
    refusal = ContentBlocked(f"{reason}: {prose}".removesuffix(": ")[:LONGEST_DETAIL])
    return Answer(None, refusal, is_stumble=reason.split(" ")[0] in STUMBLES, cost_usd=cost)


def text(response: types.GenerateContentResponse) -> str:
    """Return the words of an answer without its thoughts."""
    candidate = response.candidates[0] if response.candidates else None
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def reason(response: types.GenerateContentResponse) -> str:
    """Return why an answer ends where it ends, in Google's words."""
    return _reason(response, response.candidates[0] if response.candidates else None)


def blocked(response: types.GenerateContentResponse) -> ContentBlocked | None:
    """Return the refusal that an answer of words stands for; None where it ended as it should, or was cut off."""
    ended = response.candidates[0].finish_reason if response.candidates else None
    if ended is not None and ended.value in FINISHED:
        return None
    return ContentBlocked(reason(response)[:LONGEST_DETAIL])


def _reason(response: types.GenerateContentResponse, candidate: types.Candidate | None) -> str:
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        return f"blockReason {feedback.block_reason.value} {feedback.block_reason_message or ''}".strip()
    if candidate is not None and candidate.finish_reason is not None:
        reason = str(candidate.finish_reason.value)
        return f"{reason} {candidate.finish_message}" if candidate.finish_message else reason
    return "no candidate"
