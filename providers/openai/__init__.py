"""OpenAI's GPT Image models: pictures from words, edits of up to sixteen pictures, edits under a mask."""

from providers.openai.provider import OpenAiProvider

__all__ = ["OpenAiProvider"]
