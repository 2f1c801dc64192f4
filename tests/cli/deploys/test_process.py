"""`nb deploy` as a process of its own: what it imports, and what Ctrl-C and a closed network leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.cli.conftest import run_nb
from tests.cli.deploys.conftest import Staging
from tests.cli.test_command_line import FORBIDDEN, ROOT
from tests.emulators import github, railway

pytestmark = pytest.mark.integration


def test_the_command_runs_as_a_process_and_shows_no_credential(staging: Staging) -> None:
    ran = run_nb("deploy", "status", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert railway.TOKEN not in ran.out
    assert github.TOKEN not in ran.out


def test_it_loads_neither_httpx_nor_anything_of_the_product(staging: Staging) -> None:
    script = (
        "import json, sys\nfrom cli.application import run\ncode = run(['deploy', 'why'])\n"
        "print(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert not {*FORBIDDEN, "httpx", "graphql", "core", "bot"} & {*modules}
