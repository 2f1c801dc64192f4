"""Draws what `nb` shows at a terminal of 80 columns: `just pictures` writes docs/images/nb-*.svg.

Every picture is a real run. The product is started in a folder of its own, a person orders in the sandbox, and for
deployments Railway, GitHub and a staging are emulated. Only what differs from machine to machine is put even: folders
and ports.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from cli.local.ports import free_port
from tests.cli.emulator import TOKEN, Emulator
from tests.emulators import github, railway
from tests.emulators.github import GitHubEmulator
from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COLUMNS = 80
ROWS = 200
"""Of the terminal: more than any command prints."""

OLD = "36a1d13f0e2b4c5d6a7f8e9d0c1b2a3f4e5d6c7b"
NEW = "6a090cb1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7"

THEME = TerminalTheme(
    background=(24, 26, 31),
    foreground=(222, 226, 230),
    normal=[
        (73, 80, 87), (255, 107, 107), (105, 219, 124), (255, 212, 59),
        (116, 192, 252), (218, 119, 242), (102, 217, 232), (222, 226, 230),
    ],
)  # fmt: skip
"""Light on dark in a frame of its own, so that it is read on a light page and on a dark one."""

FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>TITLE</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own frame without fonts from elsewhere."""


@dataclass(frozen=True)
class Picture:
    """What is typed at one terminal, and the name of the file that shows it."""

    name: str
    title: str
    typed: tuple[str, ...]


def at_a_terminal(command: str, environment: Mapping[str, str]) -> str:
    """Run a command line of `nb` at a terminal; what it shows."""
    parent, child = pty.openpty()
    ioctl(parent, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    arguments = shlex.split(command)[1:]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments], stdin=child, stdout=child, stderr=child, env=environment
    )
    os.close(child)
    shown = b""
    while True:
        if select.select([parent], [], [], 0.1)[0]:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            shown += part
        elif process.poll() is not None:
            break
    os.close(parent)
    process.wait(timeout=60)
    return shown.decode().replace("\r\n", "\n")


def drawn(picture: Picture, environment: Mapping[str, str], even: Callable[[str], str]) -> str:
    """Run what is typed and return the picture of it."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for number, command in enumerate(picture.typed):
        if number:
            console.print()
        console.print(Text.assemble(("$ ", "bold green"), (even(command), "bold")), soft_wrap=False)
        console.print(Text.from_ansi(even(at_a_terminal(command, environment)).rstrip("\n")), overflow="fold")
    # The frame is cut right below the last line, through letters that hang below it.
    console.print()
    svg = console.export_svg(
        title=picture.title, theme=THEME, code_format=FRAME, unique_id=f"nb-{picture.name}", font_aspect_ratio=0.61
    )
    svg = svg.replace("<title>TITLE<", f"<title>{picture.title}<")
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def even(folder: Path) -> Callable[[str], str]:
    """What takes folders, addresses and ports of this machine out of a text."""

    def put(text: str) -> str:
        text = text.replace(str(folder / "home"), ".nb").replace(str(ROOT), ".")
        return re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8000", text)

    return put


def clean_environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a machine on which nothing was set up."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "NB_HOME": str(folder / "home"),
        "NB_CONFIG": str(folder / "config.json"),
        **more,
    }


@contextmanager
def product(folder: Path) -> Iterator[dict[str, str]]:
    """The whole product in a folder, with a person who ordered two pictures: one was made, one failed."""
    environment = clean_environment(folder)
    chat = free_port()
    _nb(environment, "up", "--detach", "--web-port", str(free_port()), "--sandbox-port", str(chat))
    try:
        _say(chat, "users", {"id": 1, "first_name": "Ann", "language_code": "en"})
        for text in ("/start", "a red fox in the snow", "[fail quota_exhausted] a fox", "an owl by night"):
            _say(chat, "chats/1/messages", {"text": text})
        _until(lambda: len(_ended(environment)) >= 3)
        yield environment
    finally:
        _nb(environment, "down")


def _ended(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _nb(environment, "gen", "list")["items"]
    return [item for item in items if item["status"] in ("done", "error")]


@contextmanager
def deployed(folder: Path) -> Iterator[dict[str, str]]:
    """A staging that Railway deployed, and whose old container still answers."""
    app, platform, host = Emulator(), RailwayEmulator(), GitHubEmulator(NEW)
    try:
        app.environment, app.commit = "staging", OLD
        for process in app.processes:
            process["commit"] = OLD if process["kind"] == "web" else NEW
        for commit in (OLD, NEW):
            for name in SERVICES:
                platform.deploy(name, commit)
        services = "\n".join(f'{name} = "{identity}"' for name, identity in SERVICES.items())
        (folder / "nb.toml").write_text(
            f'[project]\nrepository = "fox/bot"\n[env.staging]\nurl = "{app.url}"\nbranch = "staging"\n'
            f'railway_env = "{STAGING}"\n[railway]\nproject = "{PROJECT}"\n[railway.services]\n{services}\n'
        )
        yield clean_environment(
            folder,
            RAILWAY_API_URL=platform.url,
            RAILWAY_TOKEN=railway.TOKEN,
            GITHUB_API_URL=host.url,
            GITHUB_TOKEN=github.TOKEN,
            NB_TOKEN_STAGING=TOKEN,
        )
    finally:
        for emulator in (app, platform, host):
            emulator.stop()


def _nb(environment: Mapping[str, str], *arguments: str) -> Any:  # noqa: ANN401  The data of any command.
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    document = json.loads(done.stdout)
    if not document["ok"]:
        raise SystemExit(f"nb {' '.join(arguments)}: {document['error']['message']}")
    return document["data"]


def _say(port: int, path: str, content: Mapping[str, object]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/sandbox/v1/{path}",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        answer.read()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit("the sandbox's orders did not come to an end within a minute")
        time.sleep(0.2)


def of_the_product(environment: Mapping[str, str]) -> list[Picture]:
    """Pictures of a product that runs, about what was ordered in it."""
    failed = next(item for item in _ended(environment) if item["status"] == "error")
    error = _nb(environment, "errors", "list")["items"][0]
    story = _nb(environment, "gen", "show", failed["id"])
    trace = str(error.get("trace_id") or story["trace_id"])
    price = 'nb pricing set nano-banana-pro --base-cost 0.16 --reason "dearer" --dry-run'
    return [
        Picture("ready", "a check says ok only when it looked", ("nb health", "nb ready")),
        Picture("price", "what a change of price would do", (price,)),
        Picture("generation", "the story of a generation", (f"nb gen show {failed['id']}",)),
        Picture("trace", "an error by its correlation id", ("nb errors list", f"nb logs worker --trace {trace[:8]}")),
    ]


def main() -> int:
    """Write the pictures, print their names, return the exit code."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, product(Path(name)) as environment:
        os.chdir(ROOT)
        for picture in of_the_product(environment):
            _write(picture, drawn(picture, environment, even(Path(name))))
    with tempfile.TemporaryDirectory() as name, deployed(Path(name)) as environment:
        os.chdir(name)
        why = Picture(
            "why",
            "deployed, says the platform; the old container answers",
            ("nb deploy why --env staging",),
        )
        _write(why, drawn(why, environment, even(Path(name))))
        os.chdir(ROOT)
    return 0


def _write(picture: Picture, svg: str) -> None:
    path = IMAGES / f"nb-{picture.name}.svg"
    path.write_text(svg, "utf-8")
    sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    sys.exit(main())
