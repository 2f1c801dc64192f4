"""Reads a link: what a user wrote becomes scheme, host, port and path, or is refused before anything is asked of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import SplitResult, parse_qs, quote, urljoin, urlsplit

import idna

from core.references.errors import LinkNotSupported

LONGEST_LINK: Final = 2000
PORTS: Final = {"http": 80, "https": 443}
YOUTUBE: Final = "https://www.youtube.com/watch?v="

_IN_TEXT: Final = re.compile(
    r"(?:https?://[^\s<>\"']+)|(?:(?<![\w@./-])(?:www\.|m\.|vm\.|vt\.)?"
    r"(?:youtube\.com|youtu\.be|instagram\.com|tiktok\.com)/[^\s<>\"']+)",
    re.IGNORECASE,
)
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f\\<>\"^`{|}]")
_NUMERIC_LABEL: Final = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)
_VIDEO_ID: Final = re.compile(r"[\w-]{11}")
_SAFE_IN_PATH: Final = "%/:=&?~#+!$,;'@()*[]-._"
_YOUTUBE_HOSTS: Final = {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"}
_YOUTUBE_PATHS: Final = {"shorts", "live", "embed", "v"}


class Site(StrEnum):
    """Who knows how to get at what a link shows."""

    YOUTUBE = "youtube"
    INSTAGRAM = "instagram"
    TIKTOK = "tiktok"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Link:
    """An address of the web in its plain form.

    Attributes:
        host: in ASCII and lower case; an IPv6 address without its brackets.
        target: path and query, as they are sent.
    """

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"

    @property
    def site(self) -> Site:
        """The site that it leads to, by its whole host and never by a part of the text."""
        if self.host == "youtu.be" or self.host in _YOUTUBE_HOSTS:
            return Site.YOUTUBE
        for site in (Site.INSTAGRAM, Site.TIKTOK):
            if self.host == f"{site}.com" or self.host.endswith(f".{site}.com"):
                return site
        return Site.ANY


def parse(text: str, *, base: Link | None = None) -> Link:
    """Read a link, relative to `base` where it comes from a redirect.

    Raises:
        LinkNotSupported: it is none of the web, names a user, a port of another service's, or a host in disguise.
    """
    written = text.strip()
    if not written or len(written) > LONGEST_LINK or _FORBIDDEN.search(written):
        raise LinkNotSupported("the link is empty, too long, or holds characters that no link has")
    try:
        if base is not None:
            written = urljoin(str(base), written)
        elif "://" not in written.partition("?")[0]:
            written = f"https://{written}"
        parts = urlsplit(written)
        return _checked(parts)
    except (ValueError, UnicodeError) as error:
        raise LinkNotSupported(f"the link cannot be read: {error}") from None


def in_text(text: str) -> str | None:
    """Return the first link in what somebody wrote: any with a scheme, those of known sites without one too."""
    found = _IN_TEXT.search(text)
    return found.group().rstrip(".,;:!?)»”'") if found else None


def video_of_youtube(link: Link) -> str:
    """Return the plain address of a video on YouTube, which Gemini reads by itself.

    Raises:
        LinkNotSupported: it leads to a channel, a list or a search.
    """
    parts = urlsplit(str(link))
    steps = [step for step in parts.path.split("/") if step]
    if link.host == "youtu.be":
        found = steps[0] if steps else ""
    elif len(steps) > 1 and steps[0] in _YOUTUBE_PATHS:
        found = steps[1]
    else:
        found = parse_qs(parts.query).get("v", [""])[0] if steps[:1] == ["watch"] else ""
    if not _VIDEO_ID.fullmatch(found):
        raise LinkNotSupported("the link leads to YouTube, but to no video")
    return YOUTUBE + found


def _checked(parts: SplitResult) -> Link:
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise LinkNotSupported(f"{scheme or 'no'} scheme is fetched; http and https are")
    if parts.username is not None or parts.password is not None:
        raise LinkNotSupported("the link names a user")
    target = quote(parts.path or "/", safe=_SAFE_IN_PATH)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE_IN_PATH)
    return Link(scheme, _host(parts.hostname or ""), parts.port or PORTS[scheme], target)


def _host(name: str) -> str:
    if ":" in name:
        return str(IPv6Address(name.partition("%")[0])) if "%" not in name else _refuse(name)
    host = idna.encode(name, uts46=True, transitional=False).decode().lower().rstrip(".")
    last = host.rpartition(".")[2]
    if _NUMERIC_LABEL.fullmatch(last):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are loopback to a resolver; only four plain numbers are an address here.
        return str(IPv4Address(host))
    if "." not in host:
        return _refuse(name)
    return host


def _refuse(name: str) -> str:
    raise LinkNotSupported(f"{name!r} is no host of the web")
