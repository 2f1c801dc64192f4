"""Google's Gemini models: pictures ("nano banana") and prompts from references, over the Developer API or Vertex."""

from providers.gemini.provider import GeminiProvider, VertexProvider

__all__ = ["GeminiProvider", "VertexProvider"]
