"""Films are joined and their last frames taken, whatever shape, speed, codec and sound they have."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PIL import Image

from core import films
from tests.core.clips import clip, colours, main_colour
from tests.core.clips import ffmpeg as run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a red film, a green one of another shape and speed, and a blue WebM, two of them with sound."""
    (tmp_path / "red").write_bytes(clip("red", has_sound=True))
    (tmp_path / "green").write_bytes(clip("lime", size=(90, 160), speed=30, seconds=1.5))
    (tmp_path / "blue").write_bytes(clip("blue", suffix=".webm", speed=25, has_sound=True))
    (tmp_path / "silent").write_bytes(clip("black"))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "shape", "speed", "seconds", "has_sound"),
    [
        ("red", (160, 90), 24, 1.0, True),
        ("green", (90, 160), 30, 1.5, False),
        ("blue", (160, 90), 25, 1.0, True),
    ],
)
async def test_a_film_is_described(
    folder: Path, name: str, shape: tuple[int, int], speed: float, seconds: float, has_sound: bool
) -> None:
    film = await films.look(folder / name)
    assert (film.width, film.height) == shape
    assert film.frames_per_second == pytest.approx(speed, rel=0.05)
    assert film.seconds == pytest.approx(seconds, abs=0.15)
    assert film.has_sound is has_sound


async def test_a_film_that_a_phone_turned_is_described_as_it_is_shown(folder: Path) -> None:
    turned = folder / "turned.mp4"
    run("-display_rotation", "90", "-i", str(folder / "red"), "-c", "copy", str(turned))
    film = await films.look(turned)
    assert (film.width, film.height) == (90, 160)


@pytest.mark.parametrize(
    ("first", "second", "seen", "has_sound"),
    [
        ("red", "silent", ["red", "black"], True),
        ("silent", "red", ["black", "red"], True),
        ("red", "green", ["red", "green"], True),
        ("green", "red", ["green", "red"], True),
        ("blue", "green", ["blue", "green"], True),
        ("green", "silent", ["green", "black"], False),
    ],
)
async def test_two_films_become_one_in_the_form_of_the_first(
    folder: Path, first: str, second: str, seen: list[str], has_sound: bool
) -> None:
    joined = folder / "joined.mp4"
    await films.join(folder / first, folder / second, joined)
    before, after, film = [await films.look(folder / name) for name in (first, second, "joined.mp4")]
    assert (film.width, film.height, film.has_sound) == (before.width, before.height, has_sound)
    assert film.frames_per_second == pytest.approx(before.frames_per_second, rel=0.05)
    assert film.seconds == pytest.approx(before.seconds + after.seconds, abs=0.3)
    assert colours(joined, before.seconds / 2, before.seconds + after.seconds / 2) == seen


async def test_a_joined_film_can_be_played_while_it_is_loaded_and_is_h264(folder: Path) -> None:
    joined = folder / "joined.mp4"
    await films.join(folder / "blue", folder / "red", joined)
    data = joined.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"avc1" in data


async def test_a_joined_film_is_joined_again(folder: Path) -> None:
    await films.join(folder / "red", folder / "green", folder / "once.mp4")
    await films.join(folder / "once.mp4", folder / "blue", folder / "twice.mp4")
    assert colours(folder / "twice.mp4", 0.5, 1.7, 3.0) == ["red", "green", "blue"]


@pytest.mark.parametrize(("suffix", "seconds"), [(".mp4", 1.0), (".mp4", 0.2), (".mp4", 6.0), (".webm", 1.0)])
async def test_the_last_frame_is_the_last_one(tmp_path: Path, suffix: str, seconds: float) -> None:
    red, blue = tmp_path / f"red{suffix}", tmp_path / f"blue{suffix}"
    red.write_bytes(clip("red", seconds=seconds, suffix=suffix))
    blue.write_bytes(clip("blue", seconds=0.2, suffix=suffix))
    listed = tmp_path / "list.txt"
    listed.write_text(f"file '{red}'\nfile '{blue}'\n")
    whole = tmp_path / f"whole{suffix}"
    run("-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", str(whole))
    picture = tmp_path / "frame.jpg"
    await films.last_frame(whole, picture)
    assert main_colour(picture) == "blue"
    with Image.open(picture) as image:
        assert (image.format, image.size) == ("JPEG", (160, 90))


@pytest.mark.parametrize("data", [b"", b"no film at all", b"\x00\x00\x00\x18ftypisom" + bytes(100)])
async def test_what_is_no_film_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "broken").write_bytes(data)
    (tmp_path / "fine").write_bytes(clip("red"))
    with pytest.raises(films.FilmError):
        await films.look(tmp_path / "broken")
    with pytest.raises(films.FilmError):
        await films.last_frame(tmp_path / "broken", tmp_path / "frame.jpg")
    for pair in (("broken", "fine"), ("fine", "broken")):
        with pytest.raises(films.FilmError):
            await films.join(tmp_path / pair[0], tmp_path / pair[1], tmp_path / "joined.mp4")


async def test_a_film_that_names_other_files_leads_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(clip("red"))
    playlist = tmp_path / "playlist"
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
    ):
        playlist.write_text(text)
        with pytest.raises(films.FilmError):
            await films.look(playlist)


async def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    run("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", str(tmp_path / "tone.mp4"))
    with pytest.raises(films.FilmError):
        await films.look(tmp_path / "tone.mp4")


async def test_films_that_are_too_long_or_too_large_together_are_not_joined(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "LONGEST_SECONDS", 2.0)
    with pytest.raises(films.FilmError, match="more than 2 seconds"):
        await films.join(folder / "red", folder / "green", folder / "joined.mp4")
    monkeypatch.undo()
    monkeypatch.setattr(films, "MOST_BYTES", 2000)
    with pytest.raises(films.FilmError, match="2000 bytes"):
        await films.join(folder / "red", folder / "green", folder / "joined.mp4")


async def test_a_run_that_takes_too_long_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "JOIN_LIMIT_SECONDS", 0.001)
    with pytest.raises(films.FilmError, match="not done within"):
        await films.join(folder / "red", folder / "green", folder / "joined.mp4")


async def test_ten_joins_at_once_all_come_out(folder: Path) -> None:
    targets = [folder / f"joined-{number}.mp4" for number in range(10)]
    await asyncio.gather(*(films.join(folder / "red", folder / "green", target) for target in targets))
    assert len({(await films.look(target)).seconds for target in targets}) == 1
