"""Google's Gemini image models ("nano banana") through the Developer API: pictures from words and from photos."""

from providers.gemini.provider import GeminiProvider

__all__ = ["GeminiProvider"]
