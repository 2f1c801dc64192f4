"""`nb token`: the secret goes where it was told to and nowhere else; what is kept is kept whole, for its owner."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from cli import credentials, environments
from cli.errors import CommandFailed
from core import token_form
from tests.cli.answers_tokens import CI, token
from tests.cli.conftest import Place, Ran, Runner, run_nb, start_nb
from tests.cli.emulator import TOKEN, Emulator, Fault, problem

pytestmark = pytest.mark.integration

WHY = ("--reason", "a test")
OTHER = "nbk_" + "B" * 43


def sent(service: Emulator) -> tuple[str, str, dict[str, Any]]:
    """The last request: method, path and body."""
    method, path, _, body = service.requests[-1]
    return method, path, json.loads(body)


def stored(place: Place) -> dict[str, Any]:
    """The credentials file."""
    content: dict[str, Any] = json.loads((place.home / "credentials.json").read_text())
    return content


def secrets_in(text: str) -> list[str]:
    """Whole tokens in a text."""
    return token_form.FORM.findall(text)


def everything_sent(service: Emulator) -> str:
    """Each path and body that reached the service."""
    return "".join(f"{path}{body.decode()}" for _, path, _, body in service.requests)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts words on stdin."""

    def put(words: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(words))

    return put


def test_the_printed_token_is_all_of_stdout(nb: Runner, service: Emulator, place: Place) -> None:
    ran = nb("token", "create", "ci", "--scope", "read", "--print", *WHY)
    (made,) = secrets_in(ran.out)
    assert (ran.code, ran.out) == (0, f"{made}\n")
    assert secrets_in(ran.err) == []
    assert "printed once" in ran.err
    assert made not in json.dumps(stored(place))


def test_the_service_is_sent_the_hash_of_the_token_and_not_the_token(nb: Runner, service: Emulator) -> None:
    (made,) = secrets_in(nb("token", "create", "ci", "--scope", "read", "--print", *WHY).out)
    assert sent(service) == (
        "POST",
        "/api/ops/v1/tokens/ci",
        {
            "scopes": ["read"],
            "prefix": made[:12],
            "hash": hashlib.sha256(made.encode()).hexdigest(),
            "lifetime_s": 90 * 86_400,
            "reason": "a test",
        },
    )
    assert made not in everything_sent(service)


def test_no_two_tokens_are_the_same(nb: Runner, service: Emulator) -> None:
    made = {nb("token", "create", "ci", "--scope", "read", "--print", *WHY).out for _ in range(3)}
    assert len(made) == 3


def test_the_document_holds_the_token_with_print_alone(nb: Runner, service: Emulator) -> None:
    ran = nb("token", "create", "ci", "--scope", "read", "--print", *WHY, "--json")
    assert secrets_in(ran.out) == [ran.data["token"]]
    ran = nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json")
    assert secrets_in(ran.out) == secrets_in(ran.err) == []


def test_a_saved_token_is_the_environments_own_and_shown_nowhere(nb: Runner, service: Emulator, place: Place) -> None:
    ran = nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json")
    kept = stored(place)["local"]
    assert token_form.FORM.fullmatch(kept["token"])
    assert kept["url"] == service.url
    path = place.home / "credentials.json"
    assert (ran.data["saved_to"], stat.S_IMODE(path.stat().st_mode)) == (str(path), 0o600)
    assert ran.data["replaced"] == TOKEN[:12]
    assert kept["token"] not in ran.out + ran.err + nb("token", "create", "ci", "--scope", "read", "--save", *WHY).err


def test_the_replaced_token_is_named_with_the_line_that_revokes_it(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    place.write_credentials({"staging": {"token": TOKEN}})
    [step] = nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--env", "staging", "--json").document[
        "next"
    ]
    assert step["cmd"] == 'nb token revoke nbk_test_012 --env staging --reason "replaced"'


def test_a_variable_that_wins_over_the_file_is_told(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_TOKEN", TOKEN)
    ran = nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json")
    assert [notice["code"] for notice in ran.document["warnings"]] == ["variable_wins"]


def test_without_a_destination_nothing_is_made(nb: Runner, service: Emulator) -> None:
    ran = nb("token", "create", "ci", "--scope", "read", *WHY, "--json")
    assert (ran.code, ran.error["code"]) == (2, "no_destination")
    assert service.requests == []


def test_a_file_that_cannot_be_written_is_found_out_before_the_token_is_made(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.credentials.os.access", lambda *_: False)
    ran = nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json")
    assert (ran.code, ran.error["code"]) == (1, "credentials_not_written")
    assert service.requests == []


def test_a_token_that_could_not_be_kept_after_all_is_named_for_revoking(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cli.credentials._write", full)
    ran = nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json")
    assert (ran.code, ran.error["fix"]) == (1, 'nb token revoke 2 --env local --reason "not kept"')


def test_a_rehearsal_makes_and_shows_no_token(nb: Runner, service: Emulator, place: Place) -> None:
    before = stored(place)
    ran = nb("token", "create", "ci", "--scope", "read", "--save", "--print", *WHY, "--dry-run", "--json")
    assert ran.data["dry_run"] is True
    assert service.requests[-1][1].endswith("?dry_run=true")
    assert secrets_in(ran.out) == []
    assert stored(place) == before


@pytest.mark.parametrize(
    ("given", "scopes"),
    [
        (("--scope", "read,operate"), ["read", "operate"]),
        (("--scope", "admin", "--scope", "read"), ["read", "admin"]),
        (("--scope", " Read , read "), ["read"]),
    ],
)
def test_scopes_are_given_with_commas_or_repeated(
    nb: Runner, service: Emulator, given: tuple[str, ...], scopes: list[str]
) -> None:
    assert nb("token", "create", "ci", *given, "--print", *WHY).code == 0
    assert sent(service)[2]["scopes"] == scopes


@pytest.mark.parametrize(
    ("expires", "seconds"), [("12h", 43_200), ("8w", 8 * 7 * 86_400), ("NEVER", None), ("3650d", 3650 * 86_400)]
)
def test_a_token_is_good_as_long_as_was_said(nb: Runner, service: Emulator, expires: str, seconds: int | None) -> None:
    nb("token", "create", "ci", "--scope", "read", "--expires", expires, "--print", *WHY)
    assert sent(service)[2]["lifetime_s"] == seconds


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--scope", ""),
        ("--scope", "raed"),
        ("--scope", "read", "--expires", "soon"),
        ("--scope", "read", "--expires", "0d"),
        ("--scope", "read", "--expires", "-1d"),
        ("--scope", "read", "--expires", "3651d"),
        ("--scope", "read", "--expires", "99999w"),
    ],
)
def test_what_makes_no_sense_is_not_sent(nb: Runner, service: Emulator, options: tuple[str, ...]) -> None:
    assert nb("token", "create", "ci", *options, "--print", *WHY, "--json").code == 2
    assert service.requests == []


def test_a_slip_in_a_scope_is_answered_with_the_nearest(nb: Runner, service: Emulator) -> None:
    ran = nb("token", "create", "ci", "--scope", "raed", "--print", *WHY, "--json")
    assert "Did you mean 'read'?" in ran.error["message"]


@pytest.mark.parametrize("command", [("create", "ci", "--scope", "read", "--print"), ("revoke", "2")])
def test_no_change_without_a_reason_or_where_only_reading_is_allowed(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    assert nb("token", *command, "--json").code == 2
    monkeypatch.setenv("NB_READONLY", "1")
    assert nb("token", *command, *WHY, "--json").code == 5
    assert service.requests == []


def test_a_key_that_made_a_token_before_says_what_to_do(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ops/v1/tokens/ci"] = Fault(409, problem(409, "idempotency_key_reused", "used."))
    ran = nb("token", "create", "ci", "--scope", "read", "--print", "--key", "key-0001", *WHY, "--json")
    assert (ran.code, ran.error["code"]) == (7, "token_made_before")
    assert "revoke it" in ran.error["fix"]


def test_a_token_without_the_scope_admin_makes_none(nb: Runner, service: Emulator) -> None:
    said = problem(403, "missing_scope", "The token 'ci' lacks the scope admin.")
    service.faults["/api/ops/v1/tokens/ci"] = Fault(403, said)
    ran = nb("token", "create", "ci", "--scope", "admin", "--print", *WHY, "--json")
    assert (ran.code, ran.error["code"], secrets_in(ran.out)) == (4, "missing_scope", [])


def test_a_lost_answer_shows_no_token_and_names_the_key(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ops/v1/tokens/ci"] = Fault(200, b'{"id": 1', "application/json", cut=True)
    ran = nb("token", "create", "ci", "--scope", "read", "--print", "--key", "key-0001", *WHY, "--json")
    assert (ran.code, secrets_in(ran.out + ran.err)) == (75, [])
    assert "--key key-0001" in ran.error["message"]


def test_another_token_of_the_name_is_told(nb: Runner, service: Emulator) -> None:
    service.answers["POST", "tokens/ci"] = {**CI, "same_name": 2}
    ran = nb("token", "create", "ci", "--scope", "read", "--print", *WHY, "--json")
    assert [notice["code"] for notice in ran.document["warnings"]] == ["same_name"]
    assert "same_name" not in ran.data


def test_the_journal_keeps_the_beginning_of_the_token_alone(nb: Runner, service: Emulator, place: Place) -> None:
    made = nb("token", "create", "ci", "--scope", "read", "--print", *WHY).out.strip()
    nb("token", "revoke", made, *WHY)
    kept = (place.home / "journal.ndjson").read_text()
    assert made not in kept
    assert f'"facts":{{"token":"{CI["prefix"]}"}}' not in kept or secrets_in(kept) == []


def test_the_list_fits_eighty_columns_and_marks_the_own_token(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = nb("token", "list").out
    assert max(map(len, out.splitlines())) <= 80
    assert "tests (own)" in out
    assert "revoked" in out
    monkeypatch.setenv("COLUMNS", "40")
    assert max(map(len, nb("token", "list").out.splitlines())) <= 40


def test_a_list_of_none_says_so(nb: Runner, service: Emulator) -> None:
    service.answers["GET", "tokens"] = {"items": [], "next_cursor": None}
    assert nb("token", "list", "--active").out == "There are no tokens.\n"
    assert service.requests[-1][1].startswith("/api/ops/v1/tokens?active=true")


def test_a_token_that_is_soon_over_is_told(nb: Runner, service: Emulator) -> None:
    soon = "2026-01-01T00:00:00.000Z"
    service.answers["GET", "tokens"] = {"items": [token(7, "old", expires_at=soon), CI], "next_cursor": None}
    [notice] = nb("token", "list", "--json").document["warnings"]
    assert (notice["code"], "token 7 (old)" in notice["message"]) == ("token_expires_soon", True)


def test_a_token_is_revoked_by_its_id(nb: Runner, service: Emulator) -> None:
    assert nb("token", "revoke", "2", *WHY).out == "✓ token 2 (ci, nbk_00000002) is revoked\n"
    assert sent(service) == ("POST", "/api/ops/v1/tokens/2/revoke", {"reason": "a test"})


def test_of_a_whole_token_only_the_beginning_is_sent(nb: Runner, service: Emulator) -> None:
    whole = "nbk_00000002" + "x" * 35
    assert "already revoked" in nb("token", "revoke", whole, *WHY).out
    assert service.requests[-1][1] == "/api/ops/v1/tokens/nbk_00000002/revoke"
    assert whole not in everything_sent(service)


def test_revoking_the_token_in_use_and_the_last_admin_is_told(nb: Runner, service: Emulator) -> None:
    notices = nb("token", "revoke", "1", *WHY, "--json").document["warnings"]
    assert [notice["code"] for notice in notices] == ["own_token", "no_admin_left"]
    assert "--first" in notices[1]["message"]


def test_an_unknown_token_is_not_found_with_where_they_are_listed(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ops/v1/tokens/9/revoke"] = Fault(404, problem(404, "unknown_token", "There is none."))
    ran = nb("token", "revoke", "9", *WHY, "--json")
    assert (ran.code, ran.error["fix"]) == (3, "nb token list --env local")


def test_production_is_named_for_a_change(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_ENV", "production")
    monkeypatch.setenv("PRODUCTION_BASE_URL", service.url)
    monkeypatch.setenv("NB_TOKEN_PRODUCTION", TOKEN)
    assert nb("token", "revoke", "2", *WHY, "--json").code == 2
    assert nb("token", "revoke", "2", *WHY, "--env", "production", "--json").code == 0


@pytest.mark.parametrize(
    ("kind", "words", "where"),
    [
        (("ops",), OTHER, ("staging", "token")),
        ((), f"  {OTHER}\n", ("staging", "token")),
        (("railway",), "3f2c8a1e-0000-4000-8000-000000000000", ("railway", "token_staging")),
        (("railway-account",), "abc-def", ("railway", "api_token")),
        (("github",), "ghp_" + "a" * 36, ("github", "token")),
    ],
)
def test_a_credential_is_kept_from_stdin_where_it_is_read(
    nb: Runner, place: Place, stdin: Any, kind: tuple[str, ...], words: str, where: tuple[str, str]
) -> None:
    stdin(words)
    ran = nb("token", "save", *kind, "--env", "staging", "--json")
    assert (ran.code, ran.data["changed"]) == (0, True)
    assert words.strip() not in ran.out + ran.err
    assert stored(place)[where[0]][where[1]] == words.strip()
    assert stat.S_IMODE((place.home / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700


def test_what_else_the_file_holds_stays(nb: Runner, place: Place, stdin: Any) -> None:
    place.write_credentials({"local": {"url": "http://127.0.0.1:1", "token": TOKEN}, "note": "mine"})
    stdin(OTHER)
    nb("token", "save", "--env", "staging")
    assert stored(place) == {
        "local": {"url": "http://127.0.0.1:1", "token": TOKEN},
        "note": "mine",
        "staging": {"token": OTHER},
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("ops", ""),
        ("ops", "   \n"),
        ("ops", "ghp_" + "a" * 36),
        ("ops", "nbk_short"),
        ("github", OTHER),
        ("github", "two words"),
        ("github", "two\nlines"),
        ("github", "токен"),
        ("railway", "x" * 9000),
        ("railway", "a\x00b"),
    ],
)
def test_what_is_no_token_is_not_kept_and_not_repeated(
    nb: Runner, place: Place, stdin: Any, kind: str, words: str
) -> None:
    stdin(words)
    ran = nb("token", "save", kind, "--json")
    assert (ran.code, ran.error["code"]) == (2, "bad_credential")
    assert not words.strip() or words.strip() not in ran.out
    assert not (place.home / "credentials.json").exists()


def test_a_credential_given_as_an_argument_is_refused_and_repeated_nowhere(nb: Runner, place: Place) -> None:
    place.home.mkdir()
    ran = nb("token", "save", OTHER, "--json")
    assert (ran.code, OTHER in ran.out + ran.err) == (2, False)
    assert OTHER not in (place.home / "journal.ndjson").read_text()


def test_a_slip_in_the_kind_is_answered_with_the_nearest(nb: Runner, place: Place) -> None:
    assert "Did you mean 'railway'?" in nb("token", "save", "raliway", "--json").error["message"]


def test_closed_or_binary_stdin_is_one_line(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert nb("token", "save", "--json").code == 2
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), "utf-8"))
    assert "no text" in nb("token", "save", "--json").error["message"]


def test_a_folder_on_stdin_is_one_line(nb: Runner, place: Place, stdin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_a_folder(_: int) -> str:
        raise IsADirectoryError(21, "Is a directory")

    stdin(OTHER)
    monkeypatch.setattr("sys.stdin.read", is_a_folder)
    assert "Is a directory" in nb("token", "save", "--json").error["message"]


def test_nobody_is_asked_where_nobody_may_be(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO(OTHER)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert nb("token", "save", "--no-input", "--json").code == 2
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: OTHER)
    assert nb("token", "save", "--json").code == 0
    assert stored(place)["local"]["token"] == OTHER


def test_a_file_that_is_kept_elsewhere_stays_a_link(nb: Runner, place: Place, stdin: Any, tmp_path: Path) -> None:
    path = place.write_credentials({"staging": {"token": TOKEN}})
    kept = path.rename(tmp_path / "kept.json")
    path.symlink_to(kept)
    stdin(OTHER)
    assert nb("token", "save", "--env", "staging", "--json").code == 0
    assert path.is_symlink()
    assert json.loads(kept.read_text())["staging"]["token"] == OTHER
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_file_open_to_others_is_not_written(nb: Runner, place: Place, stdin: Any) -> None:
    path = place.write_credentials({"staging": {"token": TOKEN}}, mode=0o644)
    stdin(OTHER)
    ran = nb("token", "save", "--env", "staging", "--json")
    assert (ran.code, ran.error["fix"]) == (4, f"chmod 600 {path}")
    assert stored(place)["staging"]["token"] == TOKEN


@pytest.mark.parametrize("content", ['{"staging": {"tok', "[]", '{"staging": "x"}', ""])
def test_a_damaged_file_is_said_and_left_as_it_is(nb: Runner, place: Place, stdin: Any, content: str) -> None:
    path = place.write_credentials({})
    path.write_text(content)
    stdin(OTHER)
    ran = nb("token", "save", "--env", "staging", "--json")
    assert ran.code in (1, 2)
    assert str(path) in ran.error["message"]
    assert path.read_text() == content


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    nb: Runner, place: Place, stdin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write_credentials({"staging": {"token": TOKEN}})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cli.credentials.os.fsync", full)
    stdin(OTHER)
    ran = nb("token", "save", "--env", "staging", "--json")
    assert (ran.code, ran.error["code"]) == (1, "credentials_not_written")
    assert stored(place) == {"staging": {"token": TOKEN}}
    assert [path.name for path in place.home.iterdir() if "credentials" in path.name] == ["credentials.json"]


def test_many_writers_lose_nothing(place: Place) -> None:
    threads = [
        threading.Thread(target=credentials.store, args=("railway", f"e{number}", f"t{number}")) for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(place)["railway"] == {f"token_e{number}": f"t{number}" for number in range(20)}


def test_a_lock_that_is_held_is_a_conflict(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "LOCK_PATIENCE_S", 0.0)
    place.write_credentials({})
    with credentials._locked(place.home), pytest.raises(CommandFailed, match="another nb"):
        credentials.store("ops", "staging", OTHER)


def test_forgetting_takes_one_credential_out(nb: Runner, place: Place) -> None:
    place.write_credentials({"staging": {"token": TOKEN}, "github": {"token": "ghp_x"}})
    assert nb("token", "forget", "--env", "staging", "--dry-run", "--json").data["changed"] is True
    assert nb("token", "forget", "--env", "staging", "--json").data["changed"] is True
    assert stored(place) == {"github": {"token": "ghp_x"}}
    ran = nb("token", "forget", "--env", "staging", "--json")
    assert (ran.code, ran.data["changed"]) == (0, False)


def test_a_saved_token_is_the_one_that_is_sent(nb: Runner, service: Emulator, place: Place, stdin: Any) -> None:
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    stdin(OTHER)
    nb("token", "save", "--env", "staging")
    service.token, service.environment = OTHER, "staging"
    assert nb("status", "--env", "staging", "--json").code == 0


@pytest.mark.parametrize(
    ("kind", "environment"), [("ops", "staging"), ("railway", "staging"), ("railway", "production"), ("github", "x")]
)
def test_where_a_credential_is_found_is_where_it_is_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, kind: Any, environment: str
) -> None:
    from cli.platforms.github import connect_github
    from cli.platforms.railway import connect_railway

    def used() -> str | None:
        if kind == "ops":
            return environments.token(environment)
        if kind == "github":
            client: Any = connect_github("fox/bot", timeout=1)
        else:
            client = connect_railway(environment=environment, railway_id="e", project="p", timeout=1)
        secret: str | None = client.platform.secret
        return secret

    for names in ("ops", "railway", "railway-account", "github"):
        for variable in credentials.variables(names, environment):
            monkeypatch.delenv(variable, raising=False)
    credentials.store(kind, environment, "from-the-file")
    assert used() == "from-the-file"
    for variable in reversed(credentials.variables(kind, environment)):
        monkeypatch.setenv(variable, f"from-{variable}")
        found = credentials.find(kind, environment)
        assert found is not None
        assert (used(), found.value, found.source) == (f"from-{variable}", f"from-{variable}", variable)


def test_an_interrupt_while_the_service_thinks_keeps_nothing(service: Emulator, place: Place) -> None:
    import signal

    service.faults["/api/ops/v1/tokens/ci"] = Fault(hang=True)
    before = stored(place)
    process = start_nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json")
    assert service.asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    ran = Ran(process.returncode, out.decode(), err.decode())
    assert (ran.code, ran.error["code"]) == (130, "interrupted")
    assert stored(place) == before
    assert secrets_in(ran.out + ran.err) == []


def test_a_read_only_home_is_one_line(place: Place) -> None:
    ran = run_nb("token", "forget", "--env", "staging", "--json", NB_HOME="/proc/nb")
    assert (ran.code, ran.data["changed"]) == (0, False)
    process = start_nb("token", "create", "ci", "--scope", "read", "--save", *WHY, "--json", NB_HOME="/proc/nb")
    out, _ = process.communicate(timeout=30)
    assert json.loads(out)["error"]["code"] == "credentials_not_written"
