"""Google's Veo on Vertex ("Agent Platform"): videos from words, frames, reference pictures and earlier videos."""

from providers.veo.provider import VeoProvider

__all__ = ["VeoProvider"]
