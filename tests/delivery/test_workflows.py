"""The pipelines: least permissions, limits, actions pinned by hash, no expressions in scripts, commands that exist."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

from cli import application, registry

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def block(text: str, key: str, indent: int = 0) -> list[str]:
    """The lines below a key of that indentation."""
    lines = iter(text.splitlines())
    margin = " " * indent
    for line in lines:
        if re.match(rf"{margin}{key}:", line):
            break
    found = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        found.append(line)
    return found


def jobs(text: str) -> dict[str, str]:
    """The text of each job by its name."""
    body = "\n".join(block(text, "jobs"))
    names = re.findall(r"^  ([\w-]+):$", body, flags=re.MULTILINE)
    return {name: "\n".join(block(body, name, 2)) for name in names}


def scripts(text: str) -> list[str]:
    """Everything that a shell runs."""
    found = re.findall(r"^ +run: (?!\|)(.+)$", text, flags=re.MULTILINE)
    for match in re.finditer(r"^( +)run: \|\n((?:\1 +.*\n|\n)+)", text, flags=re.MULTILINE):
        found.append(match.group(2))
    return found


def test_both_pipelines_are_there() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "staging-verify"]


@each
def test_every_action_is_pinned_by_its_hash_and_names_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text("utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@each
def test_nothing_is_permitted_but_what_a_job_asks_for(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.search(r"^permissions: \{\}$", text, flags=re.MULTILINE)
    assert jobs(text)
    for name, job in jobs(text).items():
        given = [line.partition("#")[0].strip() for line in block(job, "permissions", 4) if line.strip()]
        wanted = ["contents: read", "pull-requests: read"] if name == "agent-log" else ["contents: read"]
        assert given == wanted, name


@each
def test_every_job_has_a_time_limit_and_runs_do_not_pile_up(path: Path) -> None:
    text = path.read_text("utf-8")
    assert block(text, "concurrency")
    for name, job in jobs(text).items():
        limit = re.search(r"^    timeout-minutes: (\d+)$", job, flags=re.MULTILINE)
        assert limit is not None and int(limit.group(1)) <= 60, name


@each
def test_no_credentials_stay_in_the_checkout_and_none_are_given_to_whole_jobs(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("actions/checkout@") == text.count("persist-credentials: false") > 0
    assert "pull_request_target" not in text
    for job in jobs(text).values():
        assert not [line for line in block(job, "env", 4) if "secrets." in line]


@each
def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    found = scripts(path.read_text("utf-8"))
    assert found
    assert not [script for script in found if "${{" in script]


@each
def test_every_command_of_nb_exists(path: Path) -> None:
    commands = re.findall(r"\bnb (?!-)(\w[\w-]*)", "\n".join(scripts(path.read_text("utf-8"))))
    assert set(commands) <= set(registry.entries())


def test_pipelines_run_what_people_run_on_every_python_that_is_promised() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert "./run just test" in scripts(text)
    assert 'python: ["3.11", "3.13"]' in text
    assert "UV_PYTHON: ${{ matrix.python }}" in text


@each
def test_every_option_of_nb_exists(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in re.findall(r"\./run nb (?!-)(.+)", "\n".join(scripts(path.read_text("utf-8")))):
        words = shlex.split(line)
        command = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
        assert application.run([*command, "--help"]) == 0, line
        page = capsys.readouterr().out
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert re.search(rf"{option}\b", page), f"{option} of {line}"


def staging_verify() -> str:
    """The pipeline after a deploy."""
    return (ROOT / ".github" / "workflows" / "staging-verify.yml").read_text("utf-8")


def test_a_deploy_is_verified_by_its_commit_at_every_step() -> None:
    asked = [script for script in scripts(staging_verify()) if "nb deploy" in script or "commit" in script]
    assert [re.findall(r"nb (\w+)", script)[0] for script in asked] == ["deploy", "ready", "smoke"]
    assert all('"$GITHUB_SHA"' in script and "--format github" in script for script in asked)


def test_nothing_but_the_smoke_run_may_change_anything() -> None:
    steps = staging_verify().split("      - name: ")
    assert 'NB_READONLY: "1"' in steps[0]
    assert [step.partition("\n")[0] for step in steps if 'NB_READONLY: "0"' in step] == ["It works end to end"]


def test_no_pipeline_of_a_push_waits_for_the_deploy_that_waits_for_it() -> None:
    for path in WORKFLOWS:
        text = path.read_text("utf-8")
        is_of_a_push = bool(re.search(r"^  push:", text, flags=re.MULTILINE))
        assert not (is_of_a_push and "deploy wait" in text), path.name
    assert re.search(r"^  deployment_status:$", staging_verify(), flags=re.MULTILINE)


def test_a_missing_log_entry_does_not_keep_a_deploy_back() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert "if: github.event_name == 'pull_request'" in jobs(text)["agent-log"]
