"""`nb doctor --env staging`: Railway, GitHub, their tokens and the repository, each looked at in its own group."""

from __future__ import annotations

import subprocess
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import pytest

from cli.platforms import doctor_documents
from cli.platforms.graphql import Query
from tests.cli.conftest import Place, Ran, Runner
from tests.cli.deploys.conftest import NEW, Staging
from tests.cli.emulator import TOKEN, Fault, problem
from tests.emulators import github, railway
from tests.emulators.graphql import Document, validate
from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration

OWNED: dict[str, Any] = {
    "id": "t-1",
    "projectId": PROJECT,
    "environmentId": STAGING,
    "environment": {"name": "staging"},
    "project": {"name": "nanobanana"},
}


@pytest.fixture
def repository(staging: Staging, place: Place, monkeypatch: pytest.MonkeyPatch) -> Staging:
    """A staging in which there is nothing to find, in a clone of its repository."""
    resolvers = RailwayEmulator._resolvers  # Of the emulator: it answers more than `nb deploy` asks.

    def more(self: RailwayEmulator) -> dict[str, Any]:
        own = {"projectToken": lambda: getattr(self, "own", OWNED), "me": lambda: {"name": "Fox"}}
        return {**resolvers(self), **own}

    monkeypatch.setattr(RailwayEmulator, "_resolvers", more)
    replied = staging.github.reply
    staging.rate = Reply(200, {"resources": {}}, {"X-OAuth-Scopes": "repo"})  # type: ignore[attr-defined]
    staging.workflows = Reply(200, [{"name": "ci.yml"}])  # type: ignore[attr-defined]

    def reply(method: str, target: str, headers: dict[str, str], body: Any) -> Reply:
        path = urlsplit(target).path
        if headers.get("authorization", f"Bearer {github.TOKEN}") != f"Bearer {staging.github.token}":
            return Reply(401, {"message": "Bad credentials"})
        if path == "/rate_limit":
            return staging.rate  # type: ignore[attr-defined,no-any-return]
        if path.endswith("/contents/.github/workflows"):
            return staging.workflows  # type: ignore[attr-defined,no-any-return]
        return replied(method, target, headers, body)

    monkeypatch.setattr(staging.github, "reply", reply)
    for trigger in staging.railway.triggers.values():
        trigger["checkSuites"] = True
    git(place, "init", "-q", "-b", "work")
    git(place, "remote", "add", "origin", "https://x:password@github.com/fox/bot.git")
    return staging


def git(place: Place, *arguments: str) -> None:
    """Run git in the project's folder."""
    subprocess.run(["git", "-C", str(place.project), *arguments], check=True, capture_output=True)


def found(ran: Ran) -> dict[str, tuple[str, str, str | None]]:
    """State, words and fix by check."""
    return {part["id"]: (part["state"], part["detail"], part["fix"]) for part in ran.data["checks"]}


def doctor(nb: Runner, *groups: str) -> dict[str, tuple[str, str, str | None]]:
    """What the doctor finds at staging, in these groups."""
    only = ("--only", ",".join(groups)) if groups else ()
    return found(nb("doctor", "--env", "staging", *only, "--json"))


@pytest.mark.parametrize("query", doctor_documents.ALL, ids=lambda query: query.text.split("{")[0].split()[1])
def test_railways_schema_knows_every_field_that_the_doctor_asks_for(query: Query) -> None:
    validate(Document(query.text))


def test_every_document_of_the_doctor_is_validated() -> None:
    made = [value for value in vars(doctor_documents).values() if isinstance(value, Query)]
    assert set(made) == set(doctor_documents.ALL)


def test_a_healthy_staging_has_nothing_to_fix(nb: Runner, repository: Staging) -> None:
    ran = nb("doctor", "--env", "staging", "--json")
    assert {name: part for name, part in found(ran).items() if part[0] in ("failed", "unknown")} == {}
    assert ran.code == 0
    states = {group["group"]: group["state"] for group in ran.data["groups"]}
    assert states == dict.fromkeys(
        (
            "python",
            "credentials",
            "repository",
            "services",
            "database",
            "telegram",
            "railway",
            "github",
            "storage",
            "providers",
        ),
        "ok",
    )
    for secret in (TOKEN, railway.TOKEN, github.TOKEN, "password"):
        assert secret not in ran.out


def test_people_read_it_on_forty_columns(nb: Runner, repository: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LC_ALL", "C")
    out = nb("doctor", "--env", "staging", "--only", "railway,github").out
    assert out.isascii()
    assert "railway\n" in out
    # What has no spaces is left whole, so that it can be copied.
    assert all(len(line) <= 40 or " " not in line.strip() for line in out.splitlines())


def test_one_group_asks_nobody_else(nb: Runner, repository: Staging) -> None:
    checks = doctor(nb, "github")
    assert {name.partition(".")[0] for name in checks} == {"github"}
    assert (repository.railway.requests, repository.app.requests) == ([], [])
    assert checks["github.branch"][1] == f"staging is at {NEW[:7]}"


def test_an_unknown_group_is_a_mistake_with_the_nearest(nb: Runner, repository: Staging) -> None:
    ran = nb("doctor", "--only", "gihtub", "--json")
    assert (ran.code, "Did you mean 'github'?" in ran.error["message"]) == (2, True)
    assert nb("doctor", "--only", " , ", "--json").code == 2


def test_scopes_and_the_end_of_each_token_are_told(nb: Runner, repository: Staging) -> None:
    repository.rate = Reply(  # type: ignore[attr-defined]
        200, {}, {"github-authentication-token-expiration": "2199-12-01 10:00:00 UTC"}
    )
    repository.app.answers["GET", "tokens/self"] = {
        **repository.app.answers["GET", "tokens/self"],
        "expires_at": "2199-01-02T00:00:00Z",
    }
    checks = doctor(nb, "credentials")
    assert checks["credentials.token"][1] == "for staging, from NB_TOKEN_STAGING"
    assert checks["credentials.scope"][1] == "tests, may admin, until 2199-01-02"
    assert checks["credentials.railway"][1] == "of nanobanana/staging, from RAILWAY_TOKEN"
    assert checks["credentials.github"][1] == "from GITHUB_TOKEN, until 2199-12-01"


def test_a_token_that_is_soon_over_is_a_warning(nb: Runner, repository: Staging) -> None:
    repository.rate = Reply(  # type: ignore[attr-defined]
        200, {}, {"github-authentication-token-expiration": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}
    )
    ran = nb("doctor", "--env", "staging", "--only", "credentials", "--json")
    assert [notice["code"] for notice in ran.document["warnings"]] == ["token_expires_soon"]


@pytest.mark.parametrize(
    ("broken", "name", "words"),
    [
        ("app", "credentials.scope", "the token is not valid"),
        ("railway", "credentials.railway", "Railway refuses the token"),
        ("github", "credentials.github", "GitHub does not know it"),
    ],
)
def test_a_token_that_the_other_side_does_not_know_has_failed(
    nb: Runner, repository: Staging, broken: str, name: str, words: str
) -> None:
    getattr(repository, broken).token = "another"
    state, detail, fix = doctor(nb, "credentials")[name]
    assert (state, words in detail, fix is not None) == ("failed", True, True)


def test_a_project_token_of_another_environment_has_failed(nb: Runner, repository: Staging) -> None:
    repository.railway.own = {**OWNED, "environmentId": "other", "environment": {"name": "production"}}  # type: ignore[attr-defined]
    state, detail, fix = doctor(nb, "credentials")["credentials.railway"]
    assert (state, "nanobanana/production" in detail) == ("failed", True)
    assert fix is not None
    assert "nb token save railway --env staging" in fix


def test_an_accounts_token_is_told_by_its_name(
    nb: Runner, repository: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    monkeypatch.setenv("RAILWAY_API_TOKEN", railway.TOKEN)
    assert doctor(nb, "credentials")["credentials.railway"][:2] == ("ok", "of Fox, from RAILWAY_API_TOKEN")


def test_missing_tokens_are_told_with_the_line_that_keeps_one(
    nb: Runner, repository: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAILWAY_TOKEN", "GITHUB_TOKEN", "NB_TOKEN_STAGING"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("cli.diagnosis.credentials.shutil.which", lambda _: None)
    checks = doctor(nb, "credentials", "railway")
    assert checks["credentials.token"][0] == checks["credentials.railway"][0] == "failed"
    assert checks["credentials.github"][0] == "skipped"
    assert checks["railway.project"] == (
        "unknown",
        "there is no token to ask Railway with",
        "nb token save railway --env staging < FILE",
    )


def test_an_older_service_that_tells_no_scopes_still_lets_the_token_in(nb: Runner, repository: Staging) -> None:
    repository.app.faults["/api/ops/v1/tokens/self"] = Fault(404, problem(404, "not_found", "no such path"))
    assert doctor(nb, "credentials")["credentials.scope"] == ("ok", "the token may read staging", None)


def test_a_service_that_was_deleted_at_railway_is_found(nb: Runner, repository: Staging, place: Place) -> None:
    text = (place.project / "nb.toml").read_text()
    place.write_project(text.replace(SERVICES["beat"], "00000000-0000-4000-8000-000000000000"))
    checks = doctor(nb, "railway")
    assert (checks["railway.services"][0], "beat" in checks["railway.services"][1]) == ("failed", True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"branch": "main"}, "worker deploys branch main"),
        ({"repository": "wolf/bot"}, "worker deploys wolf/bot"),
        ({"serviceId": "gone"}, "worker has no trigger"),
    ],
)
def test_a_trigger_that_is_not_as_nb_toml_says_is_found(
    nb: Runner, repository: Staging, change: dict[str, str], words: str
) -> None:
    repository.railway.triggers["worker"].update(change)
    state, detail, fix = doctor(nb, "railway")["railway.triggers"]
    assert (state, detail) == ("failed", words)
    assert fix is not None


def test_what_does_not_wait_for_ci_is_told_and_no_failure(nb: Runner, repository: Staging) -> None:
    repository.railway.triggers["web"]["checkSuites"] = False
    state, detail, _ = doctor(nb, "railway")["railway.wait_for_ci"]
    assert (state, detail.startswith("web does not wait")) == ("skipped", True)


def test_automatic_deployments_that_are_off_are_found(nb: Runner, repository: Staging) -> None:
    repository.railway.auto_deploy["web"] = {"enabled": False, "canEnable": True, "reason": "disconnected"}
    assert doctor(nb, "railway")["railway.auto_deploy"][:2] == ("failed", "off for web (disconnected)")


def test_an_incident_of_the_platform_is_told_with_its_page(nb: Runner, repository: Staging) -> None:
    repository.railway.platform = {
        "isStable": False,
        "incident": {"status": "INVESTIGATING", "message": "Builds are slow", "url": "https://status.railway.com/1"},
        "maintenance": None,
    }
    assert doctor(nb, "railway")["railway.platform"] == ("failed", "Builds are slow", "https://status.railway.com/1")


def test_a_schema_that_changed_is_unknown_and_not_ok(nb: Runner, repository: Staging) -> None:
    repository.railway.refused_fields = {"checkSuites"}
    ran = nb("doctor", "--env", "staging", "--only", "railway", "--json")
    assert (ran.code, found(ran)["railway.project"][0]) == (8, "unknown")


def test_checks_that_may_not_be_read_are_unknown(nb: Runner, repository: Staging) -> None:
    repository.github.forbidden = {"check-runs", "runs", "status"}
    state, _, fix = doctor(nb, "github")["github.checks"]
    assert (state, fix) == ("unknown", "give the token read access to checks, or to actions and commit statuses")


@pytest.mark.parametrize(
    ("reply", "state", "words"),
    [
        (Reply(404, {"message": "Not Found"}), "failed", "has no .github/workflows"),
        (Reply(200, [{"name": "other.yml"}]), "failed", "lacks ci.yml"),
        (Reply(403, {"message": "no"}), "unknown", "HTTP 403"),
        (Reply(200, {"odd": 1}), "unknown", "HTTP 200"),
    ],
)
def test_workflows_are_looked_for(nb: Runner, repository: Staging, reply: Reply, state: str, words: str) -> None:
    repository.workflows = reply  # type: ignore[attr-defined]
    found_state, detail, fix = doctor(nb, "github")["github.workflows"]
    assert (found_state, words in detail, fix is not None) == (state, True, True)


def test_a_repository_that_is_not_shown_has_failed(nb: Runner, repository: Staging, place: Place) -> None:
    place.write_project((place.project / "nb.toml").read_text().replace("fox/bot", "fox/gone"))
    checks = doctor(nb, "github", "repository")
    assert checks["github.repository"][0] == "failed"
    assert checks["repository.remote"][:2] == ("failed", "origin is fox/bot, nb.toml says fox/gone")


def test_a_detached_head_and_a_missing_remote_are_told(nb: Runner, repository: Staging, place: Place) -> None:
    git(place, "add", "nb.toml")
    git(place, "-c", "user.name=f", "-c", "user.email=f@x", "commit", "-qm", "x")
    git(place, "checkout", "-q", "--detach")
    git(place, "remote", "remove", "origin")
    checks = doctor(nb, "repository")
    assert checks["repository.git"][1].startswith("detached HEAD")
    assert checks["repository.remote"] == (
        "failed",
        "there is no remote called origin",
        "git remote add origin https://github.com/fox/bot.git",
    )


def test_a_fact_that_nb_toml_lacks_is_named(nb: Runner, repository: Staging, place: Place) -> None:
    place.write_project((place.project / "nb.toml").read_text().replace(f'project = "{PROJECT}"', ""))
    checks = doctor(nb, "repository", "railway")
    assert checks["repository.facts"][:2] == ("failed", "nb.toml: railway.project is missing")
    assert checks["railway.project"][0] == "failed"


@pytest.mark.parametrize(("off_s", "state"), [(0, "ok"), (-3600, "failed"), (3600, "failed")])
def test_a_clock_that_is_wrong_is_found(
    nb: Runner, repository: Staging, monkeypatch: pytest.MonkeyPatch, off_s: int, state: str
) -> None:
    date = formatdate(time.time() + off_s, usegmt=True)
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.date_time_string", lambda *_: date)
    assert doctor(nb, "repository")["repository.clock"][0] == state


def test_a_platform_that_hangs_is_unknown_in_time_and_holds_nobody_up(nb: Runner, repository: Staging) -> None:
    repository.railway.faults = [Reply(200, None)] * 9
    started = time.monotonic()
    ran = nb("doctor", "--env", "staging", "--only", "railway,github", "--timeout", "700ms", "--json")
    # Who waited for the platform would wait for ever.
    assert time.monotonic() - started < 15
    assert ran.code == 8
    assert found(ran)["railway.project"][0] == "unknown"
    assert found(ran)["github.branch"][0] == "ok"


def test_no_network_at_all_is_unknown_everywhere_and_one_document(
    nb: Runner, repository: Staging, nobody: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (place.project / "nb.toml").read_text()
    place.write_project(text.replace(repository.app.url, nobody))
    monkeypatch.setenv("RAILWAY_API_URL", nobody)
    monkeypatch.setenv("GITHUB_API_URL", nobody)
    ran = nb("doctor", "--env", "staging", "--json")
    assert ran.code == 8
    states = {name: part[0] for name, part in found(ran).items()}
    for name in (
        "credentials.scope",
        "credentials.railway",
        "credentials.github",
        "repository.clock",
        "services.ready",
        "database.answers",
        "storage.answers",
        "telegram.webhook",
        "railway.project",
        "github.repository",
        "providers.models",
    ):
        assert states[name] == "unknown"
    assert "failed" not in states.values()
    assert all(part[2] for part in found(ran).values() if part[0] == "unknown")


def test_without_a_token_what_is_told_to_one_only_is_unknown(
    nb: Runner, repository: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NB_TOKEN_STAGING")
    checks = doctor(nb, "services", "database", "storage", "telegram", "providers")
    assert checks["services.ready"][0] == checks["services.http"][0] == "ok"
    for name in ("database.answers", "storage.answers", "telegram.webhook", "providers.models"):
        assert checks[name][0] == "unknown"
