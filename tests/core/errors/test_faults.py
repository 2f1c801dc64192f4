"""Which faults are of one kind, and that nothing is kept of what people wrote or of what opens a door."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from core import redaction
from core.errors import faults
from tests.core.errors.conftest import raised


class TestKind:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("quarantine:lava:ch_1", "quarantine:lava:ch_2"),
            ("refund:0123456789abcdef", "refund:fedcba98765432101"),
            ("GET /api/app/v1/generations", "GET /api/app/v2/generations"),
            ("event:abcdefghijklmnopqrstuvwxyzabcdef", "event:zyxwvutsrqponmlkjihgfedcbazyxwvu"),
        ],
    )
    def test_ids_make_no_other_kind(self, one: str, other: str) -> None:
        assert faults.fingerprint("X", one) == faults.fingerprint("X", other)

    @pytest.mark.parametrize(
        "other",
        [("Y", "provider:kling:auth_failed", "a:b"), ("X", "provider:kie:auth_failed", "a:b"),
         ("X", "provider:kling:auth_failed", "a:c")],
    )  # fmt: skip
    def test_class_handler_and_place_make_another(self, other: tuple[str, str, str]) -> None:
        assert faults.fingerprint("X", "provider:kling:auth_failed", "a:b") != faults.fingerprint(*other)

    def test_a_kind_is_known_by_its_first_letter_and_fits_its_column(self) -> None:
        kind = faults.fingerprint("X", "y")
        assert (kind[:2], len(kind)) == ("k_", 16)

    def test_the_place_is_the_last_of_ours_on_the_way(self) -> None:
        try:
            faults.plain({"a": _Untold()})
        except LookupError as error:
            found = faults.place_of(error)
        assert found == "core.errors.faults:plain"

    def test_the_place_within_a_package_is_the_first_one_there(self) -> None:
        try:
            faults.plain({"a": _Untold()})
        except LookupError as error:
            assert faults.place_of(error, within="core.errors") == "core.errors.faults:plain"
            assert faults.place_of(error, within="bot.routers") == ""

    def test_a_place_of_nobody_of_ours_is_empty(self) -> None:
        assert faults.place_of(raised(ValueError("a test"))) == ""


class _Untold:
    def __str__(self) -> str:
        raise LookupError("cannot be told")


class TestWhatIsKept:
    def test_secrets_are_taken_out_of_message_and_stack(self) -> None:
        redaction.use(redaction.Redactor(["hush-hush-hush"]))
        try:
            error = raised(ValueError("key hush-hush-hush and nbk_0123456789abcdef"))
            assert faults.message_of(error) == "key [redacted] and [redacted]"
            assert "hush" not in faults.stack_of(error) and "nbk_" not in faults.stack_of(error)
            assert faults.plain({"note": "hush-hush-hush"}) == {"note": "[redacted]"}
        finally:
            redaction.use(redaction.Redactor())

    def test_a_secret_at_the_edge_of_the_limit_is_not_cut_in_two(self) -> None:
        error = raised(ValueError("x" * (faults.LONGEST - 10) + " nbk_0123456789abcdef"))
        assert "nbk_0" not in faults.message_of(error)

    def test_message_and_stack_have_at_most_eight_thousand_characters(self) -> None:
        error = raised(ValueError("x" * 20000))
        assert len(faults.message_of(error)) == 8000
        assert len(faults.stack_of(error)) <= 8000

    def test_of_a_long_stack_the_end_is_kept(self) -> None:
        def deeper(depth: int) -> None:
            if depth:
                deeper(depth - 1)
            raise ValueError("the very end")

        with pytest.raises(ValueError, match="the very end") as caught:
            deeper(200)
        stack = faults.stack_of(caught.value)
        assert len(stack) <= 8000
        assert stack.endswith("ValueError: the very end")

    def test_of_libraries_a_stack_tells_only_the_last_frames(self) -> None:
        with pytest.raises(LookupError) as caught:
            faults.plain({"a": _Untold()})
        lines = faults.stack_of(caught.value).splitlines()
        assert lines[0] == "  … 1 more in libraries"
        assert [line.partition(", line")[0] for line in lines if "File" in line][:2] == [
            '  File "core/errors/faults.py"',
            '  File "core/errors/faults.py"',
        ]
        assert "__str__" in lines[-3]

    def test_a_stack_tells_the_causes_first_and_no_values(self) -> None:
        prompt = "a secret fox"
        try:
            try:
                raise KeyError("first")
            except KeyError as cause:
                raise ValueError("then") from cause
        except ValueError as error:
            stack = faults.stack_of(error)
        assert stack.index("KeyError: 'first'") < stack.index("which led to") < stack.index("ValueError: then")
        assert Path(__file__).name in stack
        assert prompt not in stack.replace('prompt = "a secret fox"', "")

    def test_what_a_person_sent_is_not_quoted_by_pydantic(self) -> None:
        class Wanted(pydantic.BaseModel):
            number: int

        given = {"number": "words of a " + "person"}
        with pytest.raises(pydantic.ValidationError) as caught:
            Wanted.model_validate(given)
        assert faults.message_of(caught.value) == "number: int_parsing"
        assert "words of a person" not in faults.stack_of(caught.value)

    def test_what_is_named_like_a_secret_or_a_text_is_left_out(self) -> None:
        kept = faults.plain(
            {
                "headers": {"x-api-key": "1"},
                "Authorization": "tma x",
                "bot_token": "1",
                "prompt": "a fox",
                "caption": "a fox",
                "nested": {"text": "a fox", "attempt": 2},
                "attempts": 5,
            }
        )
        assert kept == {"nested": {"attempt": 2}, "attempts": 5}

    def test_extra_is_json_whatever_it_was(self) -> None:
        given = {"path": Path("/a"), "odd": float("nan"), "set": {1}, "deep": {"a": {"b": {"c": {"d": 1}}}}, "ok": True}
        kept = faults.plain(given)
        assert kept["path"] == "/a" and kept["odd"] == "nan" and kept["set"] == [1] and kept["ok"] is True
        assert isinstance(kept["deep"]["a"]["b"], str)

    def test_long_lists_and_values_are_cut(self) -> None:
        kept = faults.plain({"many": list(range(1000)), "long": "x" * 10000})
        assert len(kept["many"]) == faults.MOST_VALUES
        assert len(kept["long"]) == faults.LONGEST_VALUE

    def test_what_postgresql_cannot_keep_is_taken_out(self) -> None:
        assert faults.clean("a\0b\ud800") == "ab?"

    def test_codes_are_short_and_their_own(self) -> None:
        met = faults.Met(faults.now())
        made = {
            faults.Fault("k", faults.Origin.OTHER, faults.Severity.INFO, "h", "c", "m", met).code for _ in range(1000)
        }
        assert len(made) == 1000
        assert {(code[:2], len(code)) for code in made} == {("e_", 12)}
