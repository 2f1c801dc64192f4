"""Links to files: who has one may read one file for a while, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from core.settings import Settings
from core.storage import Links
from core.storage import links as links_module
from tests.fixtures.servers import make_settings

KEY = "results/ab/cd.png"
HOUR = timedelta(hours=1)
NOW = 1_800_000_000.0


def settings(**changes: str) -> Settings:
    """Settings of a service that nobody connects to."""
    return make_settings("postgresql://nobody@127.0.0.1/nothing", "redis://127.0.0.1:1/0", **changes)


class Clock:
    """A clock that the test moves."""

    now = NOW

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that links are made and judged by."""
    moved = Clock()
    monkeypatch.setattr(links_module, "time", moved)
    return moved


@pytest.fixture
def links(clock: Clock) -> Links:
    """The links of a service."""
    return Links(settings())


def parts(link: str) -> tuple[str, str, str]:
    """Key, expiry and signature of a link."""
    split = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    return unquote(split.path.removeprefix("/media/")), query["expires"], query["signature"]


def test_a_link_leads_to_the_public_address_and_says_when_it_ends(links: Links) -> None:
    link = links.make(KEY, HOUR)
    assert link.startswith("http://127.0.0.1:8000/media/results/ab/cd.png?expires=1800003600&signature=")
    assert parts(link)[:2] == (KEY, "1800003600")


def test_a_link_is_valid_until_its_time_is_over(links: Links, clock: Clock) -> None:
    link = parts(links.make(KEY, HOUR))
    assert links.is_valid(*link)
    clock.now = NOW + 3600
    assert links.is_valid(*link)
    clock.now = NOW + 3601
    assert not links.is_valid(*link)


def test_a_link_without_a_lifetime_is_never_valid(links: Links) -> None:
    assert not links.is_valid(*parts(links.make(KEY, timedelta(seconds=-1))))


def test_every_process_with_the_same_token_takes_it(links: Links) -> None:
    assert Links(settings()).is_valid(*parts(links.make(KEY, HOUR)))


def test_a_service_with_another_token_does_not(links: Links) -> None:
    other = Links(settings(telegram_bot_token="4243:another-token"))
    assert not other.is_valid(*parts(links.make(KEY, HOUR)))


def test_the_token_does_not_show_in_it(links: Links) -> None:
    assert "token-of-the-tests" not in links.make(KEY, HOUR)


@pytest.mark.parametrize("other", ["results/ab/ce.png", "results/ab", "results/ab/cd.png ", "", "results/ab/cd.png\n"])
def test_a_link_to_one_file_is_none_to_another(links: Links, other: str) -> None:
    _, expires, signature = parts(links.make(KEY, HOUR))
    assert not links.is_valid(other, expires, signature)


def test_a_link_cannot_be_made_to_last_longer(links: Links) -> None:
    key, expires, signature = parts(links.make(KEY, HOUR))
    assert not links.is_valid(key, str(int(expires) + 1), signature)


def test_what_belongs_to_the_key_cannot_be_moved_into_the_expiry(links: Links) -> None:
    _, expires, signature = parts(links.make("results/1", HOUR))
    assert not links.is_valid(f"results/1\n{expires[:1]}", expires[1:], signature)


def test_every_changed_digit_of_the_signature_is_noticed(links: Links) -> None:
    key, expires, signature = parts(links.make(KEY, HOUR))
    for place, digit in enumerate(signature):
        changed = signature[:place] + ("0" if digit != "0" else "1") + signature[place + 1 :]
        assert not links.is_valid(key, expires, changed)


@pytest.mark.parametrize("signature", ["", "0", "0" * 40, "x" * 10_000, "подпись", "\ud800", "\0"])
def test_an_invented_signature_is_refused(links: Links, signature: str) -> None:
    _, expires, _ = parts(links.make(KEY, HOUR))
    assert not links.is_valid(KEY, expires, signature)


@pytest.mark.parametrize(
    "expires",
    ["", "never", "-1", "1e12", "²", "١٢٣", "9" * 13, "9" * 5000, " 1800003600", "1800003600.0", "0x10", "\ud800"],
)
def test_an_expiry_that_is_no_number_is_refused(links: Links, expires: str) -> None:
    _, _, signature = parts(links.make(KEY, HOUR))
    assert not links.is_valid(KEY, expires, signature)


@pytest.mark.parametrize("key", ["\ud800", "лиса.png", "a" * 10_000])
def test_a_key_of_any_characters_is_refused_and_breaks_nothing(links: Links, key: str) -> None:
    _, expires, signature = parts(links.make(KEY, HOUR))
    assert not links.is_valid(key, expires, signature)


def test_a_public_address_with_a_path_is_kept(clock: Clock) -> None:
    link = Links(settings(public_base_url="https://example.com/bot")).make(KEY, HOUR)
    assert link.startswith("https://example.com/bot/media/results/")


MIB = 1024 * 1024


def ticket_parts(links: Links, **changes: str) -> tuple[str, str, str, str, str]:
    """Key, type, size, expiry and signature of a ticket, some of them changed."""
    url, _ = links.ticket(KEY, "image/png", MIB, HOUR)
    split = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(split.query).items()} | changes
    key = changes.get("key", unquote(split.path.removeprefix("/media/")))
    return key, query["mime"], query["most"], query["expires"], query["signature"]


def test_a_ticket_is_valid_until_its_time_is_over(links: Links, clock: Clock) -> None:
    ticket = ticket_parts(links)
    assert links.is_valid_ticket(*ticket)
    clock.now = NOW + 3601
    assert not links.is_valid_ticket(*ticket)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "results/ab/ce.png"},
        {"mime": "video/mp4"},
        {"most": str(MIB + 1)},
        {"most": "-1"},
        {"most": "1e9"},
        {"most": ""},
        {"expires": "1900000000"},
        {"expires": "never"},
        {"signature": "0" * 40},
        {"signature": "подпись"},
    ],
)
def test_a_changed_ticket_is_none(links: Links, change: dict[str, str]) -> None:
    assert not links.is_valid_ticket(*ticket_parts(links, **change))


def test_a_link_is_no_ticket_and_a_ticket_is_no_link(links: Links) -> None:
    key, _, _, expires, signature = ticket_parts(links)
    assert not links.is_valid(key, expires, signature)
    _, expires, signature = parts(links.make(KEY, HOUR))
    assert not links.is_valid_ticket(KEY, "image/png", str(MIB), expires, signature)
