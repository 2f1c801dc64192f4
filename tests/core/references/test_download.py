"""A download follows the rules at every hop, and costs no more than its caps."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.references import download, parse
from core.references.errors import (
    LinkFailed,
    LinkGone,
    LinkNotSupported,
    LinkPrivate,
    LinkTooLarge,
    LinkUnavailable,
)
from core.references.gate import Gate
from core.references.limits import Limits
from tests.core.references.website import Names, Request, Website, gate, opened

pytestmark = pytest.mark.integration
SMALL = Limits(size=1000, seconds=5.0, idle=2.0)


async def fetched(address: str, folder: Path, *, by: Gate | None = None, limits: Limits = SMALL) -> bytes:
    """Download a link and return its bytes."""
    path = await download.download(parse(address), folder, gate=by or gate(), limits=limits)
    assert path.parent == folder
    return path.read_bytes()


async def test_a_file_is_downloaded_as_it_is(website: Website, tmp_path: Path) -> None:
    """The site hears its own name, and nothing of us that identifies anybody."""
    website.page("/a%20b.png?x=1", b"picture")
    assert await fetched(website.address("/a%20b.png?x=1"), tmp_path) == b"picture"
    [request] = website.requests
    assert request.headers["host"] == f"site.test:{website.port}"
    assert request.headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & request.headers.keys()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_proxies_of_the_environment_are_not_used(
    website: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A proxy would resolve and connect by its own rules."""
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    website.page("/a", b"picture")
    assert await fetched(website.address("/a"), tmp_path) == b"picture"


async def test_redirects_are_followed_and_each_is_checked(website: Website, tmp_path: Path) -> None:
    """Relative ones and those to other hosts; a cookie on the way is not kept."""
    names = Names(site_test=["127.0.0.1"], other_test=["127.0.0.1"])
    website.page("/start", status="301 Moved", Location="/middle", Set_Cookie="a=b")
    website.page("/middle", status="307 Temporary", Location=website.address("/end", host="other.test"))
    website.page("/end", b"picture")
    assert await fetched(website.address("/start"), tmp_path, by=gate(names)) == b"picture"
    assert names.asked == ["site.test", "site.test", "other.test"] or names.asked == ["site.test", "other.test"]
    assert all("cookie" not in request.headers for request in website.requests)


@pytest.mark.parametrize(
    "target",
    [
        "http://private.test/secret",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.2/secret",
        "http://[::1]/secret",
        "http://2130706433/secret",
        "http://user@site.test/secret",
        "file:///etc/passwd",
        "gopher://site.test/secret",
        "//private.test/secret",
    ],
)
async def test_a_redirect_to_a_private_place_is_refused(website: Website, tmp_path: Path, target: str) -> None:
    """Nothing is asked of it."""
    names = Names(
        **{"site_test": ["127.0.0.1"], "private_test": ["10.0.0.1"], "127_0_0_2": ["127.0.0.2"]},
        **{"169_254_169_254": ["169.254.169.254"], "::1": ["::1"]},
    )
    website.page("/start", status="302 Found", Location=target)
    website.page("/secret", b"secret")
    with pytest.raises(LinkNotSupported):
        await fetched(website.address("/start"), tmp_path, by=gate(names))
    assert [request.target for request in website.requests] == ["/start"]


async def test_a_redirect_to_another_service_is_refused_by_its_port(website: Website, tmp_path: Path) -> None:
    """As in production, where only two ports are the web's."""
    website.page("/start", status="302 Found", Location="http://site.test:6379/")
    with pytest.raises(LinkNotSupported, match="port 6379"):
        await fetched(website.address("/start"), tmp_path, by=gate(ports=[website.port]))


async def test_a_circle_of_redirects_ends(website: Website, tmp_path: Path) -> None:
    """After five of them."""
    website.page("/start", status="302 Found", Location="/start")
    with pytest.raises(LinkNotSupported, match="5 redirects"):
        await fetched(website.address("/start"), tmp_path)
    assert len(website.requests) == 6


async def test_a_name_that_changes_its_answer_is_checked_again_for_each_connection(
    website: Website, tmp_path: Path
) -> None:
    """The address that was checked is the one that is connected to: there is no second look-up in between."""
    names = Names(site_test=["127.0.0.1", "127.0.0.2"])
    website.page("/a", b"picture")
    assert await fetched(website.address("/a"), tmp_path, by=gate(names)) == b"picture"
    assert names.asked == ["site.test"]
    with pytest.raises(LinkNotSupported):
        await fetched(website.address("/a"), tmp_path, by=gate(names))
    assert len(website.requests) == 1


async def test_a_name_that_turns_private_on_the_way_is_refused(website: Website, tmp_path: Path) -> None:
    """Between two hops of one download."""
    names = Names(site_test=["127.0.0.1", "10.0.0.1"])
    website.page("/start", status="302 Found", Location="/end")
    website.page("/end", b"secret")
    with pytest.raises(LinkNotSupported):
        await fetched(website.address("/start"), tmp_path, by=gate(names))
    assert [request.target for request in website.requests] == ["/start"]


async def test_production_refuses_a_link_to_ourselves(website: Website, tmp_path: Path) -> None:
    """The gate as it is without arguments: by port, by address, and by name."""
    website.page("/", b"secret")
    for address in (f"http://127.0.0.1:{website.port}/", "http://127.0.0.1/", "http://[::1]/"):
        with pytest.raises(LinkFailed):
            await fetched(address, tmp_path, by=Gate())
    assert website.requests == []


async def test_a_file_that_says_it_is_too_large_is_not_even_read(website: Website, tmp_path: Path) -> None:
    """Nor one that does not say so and goes on."""
    website.page("/said", b"x" * 1001)
    with pytest.raises(LinkTooLarge, match="1001"):
        await fetched(website.address("/said"), tmp_path)

    async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 500)
            await writer.drain()

    website.pages["/endless"] = endless
    with pytest.raises(LinkTooLarge, match="more than 1000"):
        await fetched(website.address("/endless"), tmp_path)
    website.page("/exact", b"x" * 1000)
    assert len(await fetched(website.address("/exact"), tmp_path)) == 1000


def drip(piece: bytes, every: float) -> Callable[[Request, asyncio.StreamWriter], object]:
    """A site that hands out its answer a little at a time, for ever."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return answer


async def test_a_site_that_drips_is_left_after_the_whole_time(website: Website, tmp_path: Path) -> None:
    """Each byte comes in time, and the file never ends; the same with headers."""
    limits = Limits(size=1000, seconds=0.4, idle=0.3)
    website.pages["/body"] = drip(b"\r\nx", 0.05)  # type: ignore[assignment]
    website.pages["/head"] = drip(b"X-More: 1\r\n", 0.05)  # type: ignore[assignment]
    for path in ("/body", "/head"):
        with pytest.raises(LinkUnavailable, match=r"0\.4 s"):
            await fetched(website.address(path), tmp_path, limits=limits)


async def test_a_site_that_falls_silent_is_left(website: Website, tmp_path: Path) -> None:
    """Long before the whole time is over."""

    async def silent(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        await writer.drain()
        await asyncio.Event().wait()

    website.pages["/"] = silent
    with pytest.raises(LinkUnavailable, match="ReadTimeout"):
        await fetched(website.address("/"), tmp_path, limits=Limits(size=1000, seconds=30, idle=0.2))


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("401 Unauthorized", LinkPrivate),
        ("403 Forbidden", LinkPrivate),
        ("404 Not Found", LinkGone),
        ("410 Gone", LinkGone),
        ("451 Unavailable", LinkGone),
        ("400 Bad Request", LinkNotSupported),
        ("302 Found", LinkNotSupported),
        ("429 Too Many Requests", LinkUnavailable),
        ("500 Oops", LinkUnavailable),
        ("503 Later", LinkUnavailable),
    ],
)
async def test_each_answer_has_its_failure(
    website: Website, tmp_path: Path, status: str, failure: type[LinkFailed]
) -> None:
    """So that the person reads what helps."""
    website.page("/", b"x", status=status)
    with pytest.raises(failure):
        await fetched(website.address(), tmp_path)


@pytest.mark.parametrize("body", [b"<!doctype html><title>x", b"  \n<html>", b"<svg xmlns='x'>", b""])
async def test_a_page_is_no_picture(website: Website, tmp_path: Path, body: bytes) -> None:
    """Whatever type it says it has."""
    website.page("/", body, Content_Type="image/png")
    with pytest.raises(LinkNotSupported):
        await fetched(website.address(), tmp_path)


async def test_a_packed_answer_is_refused(website: Website, tmp_path: Path) -> None:
    """A small file may unpack to a large one; we did not ask for that."""
    website.page("/", b"x", Content_Encoding="gzip")
    with pytest.raises(LinkNotSupported, match="packed"):
        await fetched(website.address(), tmp_path)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"])
async def test_a_broken_answer_is_the_sites_trouble(website: Website, tmp_path: Path, answer: bytes) -> None:
    """It closes the connection, speaks nonsense, or ends in the middle."""

    async def broken(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    website.pages["/"] = broken
    with pytest.raises(LinkUnavailable):
        await fetched(website.address(), tmp_path)


async def test_a_site_that_nobody_answers_at_is_unavailable(tmp_path: Path) -> None:
    """Nothing listens there."""
    with pytest.raises(LinkUnavailable, match="ConnectError"):
        await fetched("http://site.test:9/", tmp_path)


async def test_tls_asks_for_the_name_of_the_link_and_believes_no_strangers_certificate(tmp_path: Path) -> None:
    """Although the connection goes to an address."""
    asked: list[str | None] = []
    context = _certificate(tmp_path, "site.test")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with opened(context) as site:
        site.page("/", b"picture")
        with pytest.raises(LinkUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await fetched(site.address(scheme="https"), tmp_path)
        assert asked == ["site.test"]
        assert site.requests == []


def _certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
