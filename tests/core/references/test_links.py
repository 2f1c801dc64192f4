"""A link is read as a browser would read it, and everything that is not plainly of the web is refused."""

from __future__ import annotations

import pytest

from core.references import Site, in_text, parse, video_of_youtube
from core.references.errors import LinkNotSupported

REFUSED = [
    "",
    "ftp://example.com/a.jpg",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "gopher://example.com/",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://example.com@127.0.0.1/",
    "http://@example.com/",
    "http://localhost/",
    "http://intranet/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://1.2.3/",
    "http://example.0x10/",
    "http://[::1%25eth0]/",
    "http://[not-an-address]/",
    "http://exa mple.com/",
    "http://example.com/a\r\nHost: evil",
    "http://example.com\\@evil.com/",
    "http://example.com/\x00",
    "http://example.com:99999/",
    "http://example.com:-1/",
    "http:///path",
    "http://.../",
    "https://",
    "http://" + "a" * 300 + ".com/",
    "http://example.com/" + "a" * 3000,
]


@pytest.mark.parametrize("link", REFUSED)
def test_what_is_not_plainly_of_the_web_is_refused(link: str) -> None:
    """Whoever hides where a link leads gets nothing from it."""
    with pytest.raises(LinkNotSupported):
        parse(link)


@pytest.mark.parametrize(
    ("link", "plain"),
    [
        ("example.com/a.jpg", "https://example.com/a.jpg"),
        ("HTTP://EXAMPLE.com:80", "http://example.com/"),
        ("https://example.com:443/a?b=c#d", "https://example.com/a?b=c"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://пример.рф/фото.jpg", "https://xn--e1afmkfd.xn--p1ai/%D1%84%D0%BE%D1%82%D0%BE.jpg"),
        ("https://example。com/", "https://example.com/"),
        ("http://93.184.216.34/x", "http://93.184.216.34/x"),
        ("http://[2606:2800:220:1::1]/x", "http://[2606:2800:220:1::1]/x"),
        ("https://example.com./", "https://example.com/"),
        ("  https://example.com/%20a  ", "https://example.com/%20a"),
        ("https://example.com/?url=http://other", "https://example.com/?url=http://other"),
    ],
)
def test_a_link_has_one_plain_form(link: str, plain: str) -> None:
    """Which is what is resolved, connected to and sent."""
    assert str(parse(link)) == plain
    assert str(parse(plain)) == plain


def test_a_redirect_is_read_from_where_it_was_found() -> None:
    """Relative ones too; what it leads to is read by the same rules."""
    base = parse("https://example.com/a/b")
    assert str(parse("../c.jpg", base=base)) == "https://example.com/c.jpg"
    assert str(parse("//other.com/c", base=base)) == "https://other.com/c"
    for bad in ("file:///etc/passwd", "http://user@other.com/", "http://127.1/"):
        with pytest.raises(LinkNotSupported):
            parse(bad, base=base)


@pytest.mark.parametrize(
    ("link", "site"),
    [
        ("https://www.instagram.com/reel/abc/", Site.INSTAGRAM),
        ("https://instagram.com/p/abc", Site.INSTAGRAM),
        ("https://vm.tiktok.com/ZM123/", Site.TIKTOK),
        ("https://www.tiktok.com/@fox/video/1", Site.TIKTOK),
        ("https://youtu.be/abcdefghijk", Site.YOUTUBE),
        ("https://m.youtube.com/watch?v=abcdefghijk", Site.YOUTUBE),
        ("http://169.254.169.254/latest?youtube.com", Site.ANY),
        ("https://instagram.com.evil.com/", Site.ANY),
        ("https://notinstagram.com/", Site.ANY),
        ("https://evil.com/instagram.com/p/1", Site.ANY),
        ("https://youtube.com.evil.com/watch?v=abcdefghijk", Site.ANY),
    ],
)
def test_a_site_is_known_by_its_whole_host(link: str, site: Site) -> None:
    """And never by a part of the text."""
    assert parse(link).site is site


@pytest.mark.parametrize(
    "link",
    [
        "https://youtu.be/abcdefghijk?si=share",
        "https://www.youtube.com/watch?v=abcdefghijk&list=PL1&t=5",
        "https://youtube.com/shorts/abcdefghijk",
        "https://m.youtube.com/live/abcdefghijk?feature=x",
        "https://music.youtube.com/watch?v=abcdefghijk",
        "https://www.youtube.com/embed/abcdefghijk",
        "youtube.com/watch?v=abcdefghijk",
    ],
)
def test_a_video_of_youtube_has_one_address(link: str) -> None:
    """Without whatever else was in the link."""
    assert video_of_youtube(parse(link)) == "https://www.youtube.com/watch?v=abcdefghijk"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/@fox",
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com/results?search_query=fox",
        "https://youtu.be/",
        "https://youtu.be/short",
        "https://www.youtube.com/watch?v=abcdefghij%22",
    ],
)
def test_a_page_of_youtube_that_is_no_video_is_refused(link: str) -> None:
    """There is nothing to look at."""
    with pytest.raises(LinkNotSupported):
        video_of_youtube(parse(link))


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("смотри https://youtu.be/abcdefghijk, круто!", "https://youtu.be/abcdefghijk"),
        ("(https://example.com/a.jpg)", "https://example.com/a.jpg"),
        ("vm.tiktok.com/ZM1/ сделай так же", "vm.tiktok.com/ZM1/"),
        ("www.instagram.com/p/x/", "www.instagram.com/p/x/"),
        ("http://one.com/ and http://two.com/", "http://one.com/"),
        ("кот в шляпе", None),
        ("a fox. example.com is a word here", None),
        ("me@instagram.com/x", None),
        ("evil-instagram.com/x", None),
        ("", None),
    ],
)
def test_the_first_link_in_words_is_found(text: str, link: str | None) -> None:
    """Those of known sites without a scheme, too."""
    assert in_text(text) == link
