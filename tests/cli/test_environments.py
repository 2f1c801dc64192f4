"""Where a command turns to, with which token, and what is refused before anything is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import environments
from cli.environments import Target
from cli.errors import NotAuthenticated, UpstreamFault, UsageMistake
from cli.invocation import Invocation
from tests.cli.conftest import Place, Runner

REPOSITORY = Path(__file__).resolve().parents[2]


def use(place: Place, name: str) -> None:
    """Store a context."""
    place.config.write_text(json.dumps({"env": name}))


def test_the_committed_facts_name_all_environments_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    facts = environments.project_facts()
    assert set(facts["env"]) == set(environments.NAMES)
    assert set(facts["railway"]["services"]) == {"web", "worker", "beat", "redis"}
    assert "nbk_" not in (REPOSITORY / "nb.toml").read_text()


def test_a_read_turns_to_local_by_default(place: Place) -> None:
    assert environments.choose(Invocation()) == "local"


def test_a_read_follows_the_context_then_the_variable_then_the_option(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(place, "staging")
    assert environments.choose(Invocation()) == "staging"
    monkeypatch.setenv("NB_ENV", "production")
    assert environments.choose(Invocation()) == "production"
    assert environments.choose(Invocation(requested_environment="local")) == "local"


def test_a_change_in_production_has_to_name_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    use(place, "production")
    with pytest.raises(UsageMistake, match="names it"):
        environments.choose(Invocation(), writes=True)
    monkeypatch.setenv("NB_ENV", "production")
    with pytest.raises(UsageMistake):
        environments.choose(Invocation(), writes=True)
    assert environments.choose(Invocation(requested_environment="production"), writes=True) == "production"


def test_a_change_elsewhere_may_use_the_context(place: Place) -> None:
    use(place, "staging")
    assert environments.choose(Invocation(), writes=True) == "staging"


@pytest.mark.parametrize(("name", "near"), [("prod", "production"), ("stagign", "staging"), ("loca", "local")])
def test_a_slip_in_the_name_is_answered_with_the_nearest(place: Place, name: str, near: str) -> None:
    with pytest.raises(UsageMistake, match=f"Did you mean '{near}'"):
        environments.choose(Invocation(requested_environment=name))


def test_a_name_like_nothing_gets_no_suggestion(place: Place) -> None:
    with pytest.raises(UsageMistake) as raised:
        environments.choose(Invocation(requested_environment="xyz"))
    assert "Did you mean" not in raised.value.message


@pytest.mark.parametrize("content", ["{", "[]", '"staging"'])
def test_a_damaged_context_is_said_with_its_path(place: Place, content: str) -> None:
    place.config.write_text(content)
    with pytest.raises(UsageMistake, match=r"config\.json"):
        environments.choose(Invocation())


def test_an_unknown_name_in_the_context_is_said_with_its_path(place: Place) -> None:
    use(place, "moon")
    with pytest.raises(UsageMistake, match=r"config\.json 'moon'"):
        environments.choose(Invocation())


def test_local_is_where_the_credentials_say(place: Place) -> None:
    place.write_credentials({"local": {"url": "http://127.0.0.1:8123/", "token": "nbk_a"}})
    assert environments.resolve(Invocation()) == Target("local", "http://127.0.0.1:8123", "nbk_a")


def test_local_is_found_by_the_state_before_there_are_credentials(place: Place) -> None:
    (place.home / "run").mkdir(parents=True)
    (place.home / "run" / "state.json").write_text('{"addresses": {"web": "http://127.0.0.1:9"}}')
    assert environments.resolve(Invocation()) == Target("local", "http://127.0.0.1:9", None)


@pytest.mark.parametrize("state", ["{}", '{"addresses": null}'])
def test_local_that_never_ran_is_not_running(place: Place, state: str) -> None:
    (place.home / "run").mkdir(parents=True)
    (place.home / "run" / "state.json").write_text(state)
    with pytest.raises(UpstreamFault) as raised:
        environments.resolve(Invocation())
    assert (raised.value.code, raised.value.fix) == ("not_running", "nb up")


def test_the_home_can_be_elsewhere(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_HOME", str(tmp_path / "else"))
    assert environments.nb_home() == tmp_path / "else"


def test_the_home_is_found_from_a_folder_inside_the_project(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = place.project / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert environments.nb_home() == place.home
    assert environments.project_root() == place.project


def test_outside_a_project_the_home_is_here_and_the_facts_are_nbs_own(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert environments.nb_home() == tmp_path / ".nb"
    assert environments.project_root() == REPOSITORY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666, 0o602])
def test_credentials_open_to_others_are_refused_with_the_line_that_closes_them(
    place: Place, nb: Runner, mode: int
) -> None:
    path = place.write_credentials({"local": {"url": "http://127.0.0.1:1", "token": "nbk_exposed"}}, mode=mode)
    ran = nb("gen", "list", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (4, "credentials_exposed", f"chmod 600 {path}")
    assert "nbk_exposed" not in ran.out


def test_credentials_that_are_no_json_are_said_without_their_content(place: Place, nb: Runner) -> None:
    place.write_credentials({})
    (place.home / "credentials.json").write_text('{"local": {"token": "nbk_secret"')
    ran = nb("gen", "list", "--json")
    assert ran.code == 2
    assert "nbk_secret" not in ran.out + ran.err


def test_the_variable_of_the_environment_is_preferred(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_credentials({"staging": {"token": "nbk_file"}})
    assert environments.token("staging") == "nbk_file"
    monkeypatch.setenv("NB_TOKEN", "nbk_any")
    assert environments.token("staging") == "nbk_any"
    monkeypatch.setenv("NB_TOKEN_STAGING", "nbk_staging\n")
    assert environments.token("staging") == "nbk_staging"
    assert environments.token("production") == "nbk_any"


@pytest.mark.parametrize(
    "stored", [{"staging": {"token": 7}}, {"staging": "x"}, {"staging": {}}, {"other": {"token": "a"}}]
)
def test_a_token_that_is_no_text_is_no_token(place: Place, stored: object) -> None:
    place.write_credentials(stored)
    assert environments.token("staging") is None


def test_production_is_found_by_its_variable(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageMistake) as raised:
        environments.address("production")
    assert raised.value.fix == "set PRODUCTION_BASE_URL"
    monkeypatch.setenv("PRODUCTION_BASE_URL", "https://bot.example.com/")
    assert environments.address("production") == "https://bot.example.com"


@pytest.mark.parametrize(
    "url", ["ftp://x", "bot.example.com", "https://", "file:///etc/passwd", "https://user:password@bot.example.com"]
)
def test_what_is_no_plain_web_address_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PRODUCTION_BASE_URL", url)
    with pytest.raises(UsageMistake) as raised:
        environments.address("production")
    assert raised.value.code == "bad_address"
    assert "password" not in raised.value.message


def test_a_token_does_not_travel_unencrypted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_project('[env.staging]\nurl = "http://staging.example.com"\n')
    assert environments.resolve(Invocation(requested_environment="staging")).token is None
    monkeypatch.setenv("NB_TOKEN", "nbk_secret")
    with pytest.raises(UsageMistake) as raised:
        environments.resolve(Invocation(requested_environment="staging"))
    assert "nbk_secret" not in raised.value.message


def test_a_project_without_an_address_says_where_to_write_it(place: Place) -> None:
    place.write_project("[env.staging]\n")
    with pytest.raises(UsageMistake) as raised:
        environments.address("staging")
    assert raised.value.fix is not None
    assert "[env.staging]" in raised.value.fix


@pytest.mark.parametrize("text", ["[env", "\x00"])
def test_a_damaged_project_file_is_said(place: Place, text: str) -> None:
    place.write_project(text)
    with pytest.raises(UsageMistake, match=r"nb\.toml cannot be read"):
        environments.address("staging")


def test_a_target_does_not_show_its_token() -> None:
    assert "nbk_secret" not in repr(Target("local", "http://127.0.0.1", "nbk_secret"))


def test_not_authenticated_is_what_exposed_credentials_are(place: Place) -> None:
    place.write_credentials({}, mode=0o644)
    with pytest.raises(NotAuthenticated):
        environments.credentials()


def test_the_credentials_of_another_account_are_not_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.write_credentials({"local": {"url": "http://127.0.0.1:1", "token": "nbk_planted"}})
    owner = path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    if owner == 0:
        os.chown(path, 4711, -1)
        monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NotAuthenticated, match="belongs to another account"):
        environments.credentials()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert environments.credentials()["local"]["token"] == "nbk_planted", "sudo nb keeps the home of who called it"


def test_credentials_behind_a_link_are_judged_by_where_it_leads(place: Place) -> None:
    path = place.write_credentials({"local": {"token": "nbk_linked"}})
    kept = path.rename(place.home / "kept.json")
    path.symlink_to(kept)
    assert environments.credentials()["local"]["token"] == "nbk_linked"
    kept.chmod(0o644)
    with pytest.raises(NotAuthenticated):
        environments.credentials()
    kept.unlink()
    assert environments.credentials() == {}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(place: Place, nb: Runner, make: Callable[[Path], None]) -> None:
    place.home.mkdir(parents=True, exist_ok=True)
    make(place.home / "credentials.json")
    ran = nb("models", "list", "--json")
    assert (ran.code, ran.error["message"]) == (2, f"{place.home}/credentials.json is no file")


def test_the_context_is_shown_and_chosen(place: Place, nb: Runner) -> None:
    assert nb("context", "show", "--json").data["source"] == "default"
    used = nb("context", "use", "staging", "--json").data
    assert (used["env"], used["source"], used["changed"]) == ("staging", str(place.config), True)
    assert used["environments"] == ["local", "staging", "production"]
    assert nb("context", "show").out.startswith(f"staging  (from {place.config})\n")


def test_the_context_tells_where_everything_is(place: Place, nb: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_project(
        '[project]\nrepository = "fox/bot"\n[env.staging]\nurl = "https://staging.invalid"\nbranch = "next"\n'
        'railway_env = "e-1"\nprotected = true\n[railway]\nproject = "p-1"\n'
    )
    data = nb("context", "show", "--env", "staging", "--json").data
    assert (data["source"], data["url"], data["branch"]) == ("--env", "https://staging.invalid", "next")
    assert (data["repository"], data["railway_project"], data["railway_environment"]) == ("fox/bot", "p-1", "e-1")
    assert (data["protected"], data["home"]) == (True, str(place.home))


def test_the_context_tells_where_credentials_come_from_and_never_what_they_are(
    place: Place, nb: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    path = place.write_credentials({"railway": {"token_staging": "railway-secret"}})
    monkeypatch.setenv("NB_TOKEN_STAGING", "nbk_secret")
    ran = nb("context", "show", "--env", "staging", "--json")
    assert {one["kind"]: one["source"] for one in ran.data["credentials"]} == {
        "ops": "NB_TOKEN_STAGING",
        "railway": str(path),
        "github": None,
    }
    assert ran.data["credentials"][2]["fix"] == "nb token save github < FILE"
    for out in (ran.out, nb("context", "show", "--env", "staging").out):
        assert "secret" not in out


def test_the_context_is_shown_where_the_credentials_cannot_be_read(place: Place, nb: Runner) -> None:
    path = place.write_credentials({"staging": {"token": "x"}}, mode=0o644)
    ran = nb("context", "show", "--env", "staging", "--json")
    assert (ran.code, ran.data["credentials"]) == (0, [])
    assert ran.document["warnings"][0]["code"] == "credentials_exposed"
    assert str(path) in ran.document["warnings"][0]["message"]


def test_a_variable_that_wins_over_the_stored_context_is_told(
    place: Place, nb: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_ENV", "local")
    [notice] = [
        one for one in nb("context", "use", "staging", "--json").document["warnings"] if "NB_ENV" in one["message"]
    ]
    assert notice["code"] == "variable_wins"


def test_a_context_that_is_half_written_is_never_seen(
    place: Place, nb: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    nb("context", "use", "staging")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    assert nb("context", "use", "production", "--json").code == 2
    assert json.loads(place.config.read_text()) == {"env": "staging"}
    assert [path.name for path in place.config.parent.iterdir() if "config" in path.name] == ["config.json"]


def test_an_account_without_a_home_still_has_a_context(
    place: Place, nb: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NB_CONFIG")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", homeless)
    assert nb("context", "use", "staging", "--json").data["source"] == str(place.home / "config.json")
    assert nb("context", "show", "--json").data["env"] == "staging"
    monkeypatch.setattr("pathlib.Path.expanduser", homeless)
    monkeypatch.setenv("NB_HOME", "~/nb")
    assert nb("context", "show", "--json").code == 2


def test_a_dry_run_does_not_change_the_context(place: Place, nb: Runner) -> None:
    assert nb("context", "use", "staging", "--dry-run", "--json").data["changed"] is False
    assert not place.config.exists()


def test_a_context_that_is_no_environment_is_refused(place: Place, nb: Runner) -> None:
    ran = nb("context", "use", "prod", "--json")
    assert (ran.code, "Did you mean 'production'" in ran.error["message"]) == (2, True)
    assert not place.config.exists()


def test_a_context_that_cannot_be_written_says_so(place: Place, nb: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.project / "file").write_text("")
    monkeypatch.setenv("NB_CONFIG", str(place.project / "file" / "config.json"))
    ran = nb("context", "use", "local", "--json")
    assert (ran.code, ran.error["fix"]) == (2, "set NB_CONFIG")


def test_the_context_lives_in_the_configuration_folder(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NB_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert environments.context_path() == tmp_path / "xdg" / "nb" / "config.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert environments.context_path() == tmp_path / ".config" / "nb" / "config.json"
