"""The follower alone, where the moment matters at which a file is looked at."""

from __future__ import annotations

from collections.abc import Callable
from os import stat_result
from pathlib import Path

from cli.logs.following import Follower


class Watched(type(Path())):  # type: ignore[misc]  # The kind of path depends on the platform.
    """A path at which something happens when it is looked at."""

    then: Callable[[], None] | None = None

    def stat(self, *, follow_symlinks: bool = True) -> stat_result:
        """Look, after what was to happen then has happened."""
        if self.then is not None:
            happens, self.then = self.then, None
            happens()
        found: stat_result = super().stat(follow_symlinks=follow_symlinks)
        return found


def test_what_was_said_just_before_a_rotation_is_not_lost(tmp_path: Path) -> None:
    path = Watched(tmp_path / "web.log")
    path.write_text("")
    follower = Follower({"web": path})

    def rotate() -> None:
        with path.open("a") as file:
            file.write('{"event":"last words"}\n')
        Path(path).rename(tmp_path / "web.log.1")
        path.write_text('{"event":"first words"}\n')

    path.then = rotate
    assert [line.event for line in follower.read()] == ["last words", "first words"]
    follower.close()


def test_a_file_that_is_away_for_a_moment_is_followed_on(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    path.write_text("")
    follower = Follower({"web": path})
    path.rename(tmp_path / "web.log.1")
    with (tmp_path / "web.log.1").open("a") as file:
        file.write('{"event":"still the old one"}\n')
    assert [line.event for line in follower.read()] == ["still the old one"]
    path.write_text('{"event":"a new one"}\n')
    assert [line.event for line in follower.read()] == ["a new one"]
    follower.close()
