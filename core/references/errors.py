"""Why nothing could be fetched from a link. Each ends the job with a full refund, and has words of its own."""

from __future__ import annotations

from providers.errors import ProviderError


class LinkFailed(ProviderError):
    """Nothing could be fetched from the link."""

    code = "link_failed"


class LinkNotSupported(LinkFailed):
    """The link leads to no picture or video that can be fetched: another kind of page, file or address."""

    code = "link_not_supported"


class LinkPrivate(LinkFailed):
    """Only people who are signed in may see what the link leads to."""

    code = "link_private"


class LinkGone(LinkFailed):
    """There is nothing behind the link, or not any more."""

    code = "link_gone"


class LinkTooLarge(LinkFailed):
    """The file has more bytes than we fetch."""

    code = "link_too_large"


class LinkTooLong(LinkFailed):
    """The video is longer than we look at."""

    code = "link_too_long"


class LinkUnavailable(LinkFailed):
    """The site did not answer, answered with an error, or took too long. Trying later may help."""

    code = "link_unavailable"


FAILURES: tuple[type[LinkFailed], ...] = (
    LinkNotSupported,
    LinkPrivate,
    LinkGone,
    LinkTooLarge,
    LinkTooLong,
    LinkUnavailable,
)
