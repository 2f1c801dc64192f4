"""The pipelines: least permissions, limits, actions pinned by hash, no expressions in scripts, commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli import registry

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
        assert [line.strip() for line in block(job, "permissions", 4) if line.strip()] == ["contents: read"], name


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
    commands = re.findall(r"\bnb (?!-)(\w+)", "\n".join(scripts(path.read_text("utf-8"))))
    assert set(commands) <= set(registry.entries())


def test_pipelines_run_what_people_run_on_every_python_that_is_promised() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert "./run just test" in scripts(text)
    assert 'python: ["3.11", "3.13"]' in text
    assert "UV_PYTHON: ${{ matrix.python }}" in text


def test_a_deploy_is_verified_by_its_commit_and_changes_nothing() -> None:
    text = (ROOT / ".github" / "workflows" / "staging-verify.yml").read_text("utf-8")
    assert any('--expect-commit "$GITHUB_SHA"' in script for script in scripts(text))
    assert 'NB_READONLY: "1"' in text
