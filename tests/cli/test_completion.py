"""TAB: what is offered, over the protocol of each shell and in the shells themselves where they are installed.

bash is everywhere. zsh and fish are asked over their protocol always, and for real where the machine has them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import completion, registry
from cli.environments import NAMES
from tests.cli.conftest import Place, run_nb

ROOT = Path(__file__).resolve().parents[2]

OFFERED: dict[str, set[str]] = {
    "nb hea": {"health"},
    "nb gen ": {"list", "show", "stuck", "retry"},
    "nb gen list --js": {"--json"},
    "nb gen list --st": {"--status"},
    "nb --ver": {"--version"},
    "nb --env ": set(NAMES),
    "nb health --env s": {"staging"},
    "nb context use prod": {"production"},
    "nb models show nano-b": {"nano-banana", "nano-banana-pro"},
    "nb pricing set kling_": {"kling_O1"},
    "nb gen list --model veo3-f": {"veo3-fast"},
    "nb providers park kl": {"kling"},
    "nb help exit": {"exit-codes"},
    "nb schema gen.l": {"gen.list"},
}
"""What has to be among the offers for a line that ends where TAB is pressed."""

every_line = pytest.mark.parametrize("line", OFFERED)


def over_bash(line: str) -> set[str]:
    """The answer to bash's question."""
    words = line.split(" ")
    ran = run_nb(_NB_COMPLETE="complete_bash", COMP_WORDS="\n".join(words), COMP_CWORD=str(len(words) - 1))
    assert (ran.code, ran.err) == (0, "")
    return set(ran.out.split())


@every_line
def test_bash_is_answered(place: Place, line: str) -> None:
    assert OFFERED[line] <= over_bash(line)


@every_line
def test_zsh_is_answered(place: Place, line: str) -> None:
    ran = run_nb(_NB_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=line)
    assert all(f'"{offer}"' in ran.out for offer in OFFERED[line])
    assert ran.err == ""


@every_line
def test_fish_is_answered(place: Place, line: str) -> None:
    asked = {"_NB_COMPLETE": "complete_fish", "_TYPER_COMPLETE_ARGS": line}
    ran = run_nb(**asked, _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert OFFERED[line] <= {offer.partition("\t")[0] for offer in ran.out.splitlines()}
    assert run_nb(**asked, _TYPER_COMPLETE_FISH_ACTION="is-args").code == 0


def test_what_was_typed_before_is_not_offered_again(place: Place) -> None:
    assert over_bash("nb models order nano-banana nano-b") == {"nano-banana-pro"}


def test_a_value_behind_an_equals_sign_is_completed(place: Place) -> None:
    words = ["nb", "health", "--env", "=", "st"]
    ran = run_nb(_NB_COMPLETE="complete_bash", COMP_WORDS="\n".join(words), COMP_CWORD="4")
    assert ran.out.split() == ["staging"]


def test_nothing_is_offered_where_nothing_fits(place: Place) -> None:
    assert over_bash("nb no-such-command zzz") == set()
    assert over_bash("nb models show zzz") == set()


def test_a_tab_asks_no_network_and_leaves_no_run(place: Place) -> None:
    place.write_credentials({"local": {"url": "http://127.0.0.1:9", "token": "nbk_x"}})
    over_bash("nb models show nano")
    assert not (place.home / "journal.ndjson").exists()


def test_values_come_from_what_ships() -> None:
    assert {"nano-banana", "demo-video"} <= set(completion.models())
    assert {"kling", "demo", "openai"} <= set(completion.providers())
    assert set(registry.visible()) < set(completion.topics())


def test_without_the_catalogue_nothing_is_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(completion, "SHIPPED", tmp_path / "none.toml")
    assert completion.models() == []
    assert completion.providers() == []


@pytest.fixture
def on_the_path(place: Place, tmp_path: Path) -> dict[str, str]:
    """An environment in which `nb` is a command and the home folder is empty."""
    folder, home = tmp_path / "bin", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    script = folder / "nb"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli.main "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(home)}


BASH = """
source <(nb --show-completion bash 2>/dev/null || _NB_COMPLETE=source_bash nb)
COMP_WORDS=(nb gen st); COMP_CWORD=2; _nb_completion nb; printf '%s\\n' "${COMPREPLY[@]}"
"""

ZSH = """
autoload -Uz compinit; compinit -u -d "$HOME/.zcompdump"
eval "$(_NB_COMPLETE=source_zsh nb)"
words=(nb gen st); CURRENT=3
_arguments() { print -r -- "$@" }
_nb_completion
"""

FISH = """
_NB_COMPLETE=source_fish nb | source
complete --do-complete 'nb gen st'
"""


@pytest.mark.parametrize(("shell", "script"), [("bash", BASH), ("zsh", ZSH), ("fish", FISH)])
def test_a_real_shell_completes(on_the_path: dict[str, str], shell: str, script: str) -> None:
    program = shutil.which(shell)
    if program is None:
        # Its protocol is tested above; bash is on every machine that these tests run on.
        assert shell != "bash"
        return
    done = subprocess.run(
        [program, "-c", script], capture_output=True, text=True, timeout=60, check=False, env=on_the_path
    )
    assert "stuck" in done.stdout, done.stderr
    assert "retry" not in done.stdout


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", ".bash_completions/nb.sh"), ("zsh", ".zfunc/_nb"), ("fish", ".config/fish/completions/nb.fish")],
)
def test_completion_is_installed_for_the_shell_that_asks(on_the_path: dict[str, str], shell: str, file: str) -> None:
    program = shutil.which(shell)
    if program is None:
        assert shell != "bash"
        return
    done = subprocess.run(
        [program, "-c", "nb --install-completion; true"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=on_the_path,
    )
    assert f"{shell} completion installed" in done.stdout + done.stderr
    assert "_NB_COMPLETE" in (Path(on_the_path["HOME"]) / file).read_text()
