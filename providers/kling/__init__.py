"""Kling's own API: videos from words, from first and last frames, from references (omni); extensions of them."""

from providers.kling.provider import KlingProvider

__all__ = ["KlingProvider"]
