"""The home folder: where it is, what it keeps private, what a wipe may delete."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from cli.local.home import Home, read_json, write_private
from cli.local.launch import LocalError
from cli.local.state import Phase
from cli.local.status import local_status


def test_nb_home_wins(tmp_path: Path) -> None:
    assert Home.find({"NB_HOME": str(tmp_path / "x")}, Path("/")).root == (tmp_path / "x").resolve()


def test_without_nb_home_it_lies_beside_the_nearest_nb_toml(tmp_path: Path) -> None:
    (tmp_path / "nb.toml").touch()
    below = tmp_path / "docs" / "adr"
    below.mkdir(parents=True)

    assert Home.find({}, below).root == (tmp_path / ".nb").resolve()


def test_a_home_that_is_there_is_found_from_below(tmp_path: Path) -> None:
    Home(tmp_path / ".nb").create()
    below = tmp_path / "deep" / "down"
    below.mkdir(parents=True)

    assert Home.find({}, below).root == (tmp_path / ".nb").resolve()


def test_elsewhere_it_is_made_right_here(tmp_path: Path) -> None:
    assert Home.find({"NB_HOME": ""}, tmp_path).root == (tmp_path / ".nb").resolve()


def test_creating_twice_changes_nothing(home: Home) -> None:
    assert home.create() is True
    assert home.create() is False
    assert home.is_marked
    assert all(folder.is_dir() for folder in (home.media, home.sandbox, home.logs, home.run))


def test_only_the_owner_can_look_into_it(home: Home) -> None:
    home.create()

    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.run.stat().st_mode) == 0o700


def test_a_file_in_the_place_of_the_home_is_a_home_that_never_ran(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = Home(tmp_path / "file")

    assert local_status(home).phase is Phase.STOPPED
    with pytest.raises(LocalError, match="file cannot be written"):
        home.create()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalError, match=r"file/.nb cannot be written") as failure:
        Home(tmp_path / "file" / ".nb").create()

    assert "NB_HOME" in (failure.value.fix or "")


def test_secrets_are_made_once_and_kept_private(home: Home) -> None:
    home.create()

    first = home.secrets()

    assert home.secrets() == first
    assert stat.S_IMODE(home.secrets_file.stat().st_mode) == 0o600
    assert len({first.webhook_secret, first.postgres_password, first.redis_password}) == 3


def test_the_sandbox_token_has_telegrams_form(home: Home) -> None:
    home.create()

    number, _, secret = home.secrets().telegram_token.partition(":")

    assert number.isdigit()
    assert len(secret) == 35


@pytest.mark.parametrize("content", ["", "{", "[]", '{"unknown": 1}'])
def test_damaged_secrets_are_not_replaced_silently(home: Home, content: str) -> None:
    home.create()
    home.secrets_file.write_text(content)

    with pytest.raises(LocalError, match="is damaged"):
        home.secrets()

    assert home.secrets_file.read_text() == content


def test_a_wipe_leaves_an_empty_place(home: Home) -> None:
    home.create()
    home.secrets()
    (home.media / "picture.png").write_bytes(b"png")

    home.wipe()

    assert not home.root.exists()


def test_a_wipe_keeps_fetched_tools_and_tokens_of_other_environments(home: Home) -> None:
    home.create()
    (home.root / "uv").mkdir()
    write_private(home.credentials_file, {"local": {"token": "a"}, "production": {"token": "b"}})

    home.wipe()

    assert sorted(path.name for path in home.root.iterdir()) == ["credentials.json", "uv"]
    assert read_json(home.credentials_file) == {"production": {"token": "b"}}
    assert stat.S_IMODE(home.credentials_file.stat().st_mode) == 0o600


def test_a_wipe_does_not_follow_links(home: Home, tmp_path: Path) -> None:
    home.create()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    home.media.rmdir()
    home.media.symlink_to(outside)

    home.wipe()

    assert (outside / "precious").exists()


def test_a_folder_without_the_marker_is_never_wiped(home: Home) -> None:
    home.root.mkdir()
    (home.root / "precious").touch()

    with pytest.raises(LocalError, match="nothing was deleted"):
        home.wipe()

    assert (home.root / "precious").exists()


def test_a_private_file_replaces_the_old_one_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, {"new": True})

    assert json.loads(path.read_text()) == {"new": True}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


@pytest.mark.parametrize("content", [None, "", "{", "[1]", '"text"'])
def test_what_is_no_json_object_reads_as_empty(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)

    assert read_json(path) == {}
