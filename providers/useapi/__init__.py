"""UseAPI.net: one subscription that drives our own accounts at Kling, Runway and Midjourney. One adapter per service.

Accounts are set up there by hand, once; nothing here ever sends their passwords. It is an unofficial way: results are
copied at once, and every route over it has to be one that can be switched off.
"""

from providers.useapi.kling import UseApiKlingProvider
from providers.useapi.midjourney import UseApiMidjourneyProvider
from providers.useapi.runway import UseApiRunwayProvider

ADAPTERS = {adapter.name: adapter for adapter in (UseApiKlingProvider, UseApiRunwayProvider, UseApiMidjourneyProvider)}
"""The adapters by the names that routes give them."""

__all__ = ["ADAPTERS", "UseApiKlingProvider", "UseApiMidjourneyProvider", "UseApiRunwayProvider"]
