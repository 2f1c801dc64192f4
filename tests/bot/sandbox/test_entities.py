"""Markup becomes text and entities, or Telegram's complaint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.documents import JsonObject
from bot.sandbox.entities import formatted, utf16_length
from bot.sandbox.entities.html import TAGS
from bot.sandbox.refusals import Refused


def spans(markup: str, mode: str) -> tuple[str, list[tuple[str, int, int]]]:
    result = formatted(markup, mode, None)
    return result.text, [(entity["type"], entity["offset"], entity["length"]) for entity in result.entities]


def only(markup: str, mode: str = "HTML") -> JsonObject:
    (entity,) = formatted(markup, mode, None).entities
    return entity


@pytest.mark.parametrize(
    ("markup", "text", "found"),
    [
        ("plain &lt;b&gt; &amp; &quot;x&quot;", 'plain <b> & "x"', []),
        ("&#65;&#x42; &nbsp; &unknown;", "AB &nbsp; &unknown;", []),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ("<strong>a</strong><em>b</em><ins>c</ins><del>d</del>", "abcd", None),
        ("🍌<b>🍌</b>", "🍌🍌", [("bold", 2, 2)]),
        ("<b></b>x", "x", []),
        ("  <b>x </b> ", "x", [("bold", 0, 1)]),
        ("<B>x</b>", "x", [("bold", 0, 1)]),
        ("<b>x</>", "x", [("bold", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<tg-spoiler>x</tg-spoiler>", "x", [("spoiler", 0, 1)]),
        ("<blockquote>x</blockquote>", "x", [("blockquote", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", 0, 1)]),
        ("<a href='https://x.dev/?a=1&amp;b=2'>x</a>", "x", [("text_link", 0, 1)]),
        ('<a href="nowhere">x</a>', "x", []),
        ('<a href="https://x.dev/a>b">x</a>', "x", [("text_link", 0, 1)]),
    ],
)
def test_html_becomes_text_and_entities(markup: str, text: str, found: list[tuple[str, int, int]] | None) -> None:
    got, entities = spans(markup, "HTML")
    assert got == text
    if found is not None:
        assert entities == found


def test_a_link_keeps_its_address() -> None:
    assert only('<a href="https://example.com">x</a>')["url"] == "https://example.com/"
    assert only('<a href="tg://user?id=7">x</a>')["url"] == "tg://user?id=7"
    assert only('<a href="example.com/a">x</a>')["url"] == "http://example.com/a"
    assert only("<a>https://example.com/b</a>")["url"] == "https://example.com/b"


def test_a_code_block_keeps_its_language() -> None:
    entity = only('<pre><code class="language-python">x = 1</code></pre>')
    assert (entity["type"], entity["language"]) == ("pre", "python")
    assert only("<pre>x</pre>")["type"] == "pre"
    assert "language" not in only('<code class="language-python">x</code>')


def test_a_custom_emoji_keeps_its_id() -> None:
    assert only('<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>')["custom_emoji_id"] == "5368324170671202286"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("я<foo>x</foo>", 'Unsupported start tag "foo" at byte offset 2'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("1 <b", "Unclosed start tag at byte offset 2"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("2 < 3", "Unclosed start tag at byte offset 2"),
        ("2 < 3 > 1", 'Unsupported start tag "" at byte offset 2'),
        ('<a ="x">x</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
    ],
)
def test_malformed_html_is_refused_in_telegrams_words(markup: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        formatted(markup, "HTML", None)
    assert refused.value.description == f"Bad Request: can't parse entities: {words}"


@given(st.text(), st.sampled_from(sorted(set(TAGS) - {"a", "span", "tg-emoji"})))
def test_escaped_text_survives_in_every_tag(text: str, tag: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    result = formatted(f"<{tag}>{escaped}</{tag}>", "HTML", None)
    assert result.text == text.strip()
    assert all(entity["offset"] + entity["length"] <= utf16_length(result.text) for entity in result.entities)


@pytest.mark.parametrize(
    ("markup", "text", "found"),
    [
        ("*a* _b_ __c__ ~d~ ||e||", "a b c d e", "bold italic underline strikethrough spoiler"),
        ("`x*y`", "x*y", "code"),
        ("```python\nx = 1\n```", "x = 1", "pre"),
        ("[x](https://example.com/)", "x", "text_link"),
        ("*[x](https://example.com/)*", "x", "bold text_link"),
        (r"1\.5 \- \!", "1.5 - !", ""),
        (">one\n>two\nthree", "one\ntwo\nthree", "blockquote"),
        ("_a *b* c_", "a b c", "italic bold"),
    ],
)
def test_markdown_v2_becomes_text_and_entities(markup: str, text: str, found: str) -> None:
    got, entities = spans(markup, "MarkdownV2")
    assert got == text
    assert [kind for kind, _, _ in entities] == found.split()


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("1.5", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("*x", "Can't find end of Bold entity at byte offset 0"),
        ("a `x", "Can't find end of Code entity at byte offset 2"),
        ("[x](http://y", "Can't find end of a URL at byte offset 3"),
    ],
)
def test_malformed_markdown_v2_is_refused(markup: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        formatted(markup, "MarkdownV2", None)
    assert refused.value.description == f"Bad Request: can't parse entities: {words}"


def test_the_legacy_markdown_reserves_nothing_but_wants_its_ends() -> None:
    assert spans("*a* 1.5!", "Markdown") == ("a 1.5!", [("bold", 0, 1)])
    with pytest.raises(Refused, match="Can't find end of the entity starting at byte offset 5"):
        formatted("some _snake", "Markdown", None)


def test_an_unknown_parse_mode_is_refused() -> None:
    with pytest.raises(Refused, match="unsupported parse_mode"):
        formatted("x", "bbcode", None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start now", [("bot_command", 0, 6)]),
        ("/start@nanobanana_bot", [("bot_command", 0, 21)]),
        ("a/b 1/2", []),
        ("see https://example.com/x?y=1.", [("url", 4, 25)]),
        ("see example.com", [("url", 4, 11)]),
        ("to a@example.com", [("email", 3, 13)]),
        ("@somebody #tag #1", [("mention", 0, 9), ("hashtag", 10, 4)]),
        ("🍌 /go", [("bot_command", 3, 3)]),
    ],
)
def test_commands_links_and_mentions_are_found(text: str, found: list[tuple[str, int, int]]) -> None:
    assert spans(text, "")[1] == found


def test_nothing_is_found_inside_code_and_links() -> None:
    assert [kind for kind, _, _ in spans("<code>/start @somebody</code>", "HTML")[1]] == ["code"]
    assert [kind for kind, _, _ in spans("<b>/start</b>", "HTML")[1]] == ["bold", "bot_command"]


def test_given_entities_are_kept() -> None:
    given_entities = [{"type": "bold", "offset": 1, "length": 2}]
    assert formatted(" ab", "", given_entities).entities == [{"type": "bold", "offset": 0, "length": 2}]
