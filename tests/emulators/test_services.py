"""What every emulated service does by hand, as it is used without tests: as a process, by script, with webhooks."""

from __future__ import annotations

import asyncio
import sys

import httpx
import pytest

from tests.emulators.service import markers_of

pytestmark = pytest.mark.integration
SERVICES = ["kie", "kling", "snapgen", "useapi"]


@pytest.mark.parametrize("name", SERVICES)
async def test_it_runs_as_a_process_of_its_own_and_obeys_a_script(name: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.emulators.{name}", "--seconds", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            address = (await process.stdout.readline()).decode().strip()
        async with httpx.AsyncClient(base_url=address, verify=False, trust_env=False) as client:
            done = await client.post("/emulator/script", json={"markers": "#status=503", "times": 2})
            assert done.json() == {"ok": True}
            assert (await client.get("/emulator/calls")).json() == {"calls": []}
            assert (await client.get("/nothing/here")).status_code == 404
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a fox", {}),
        ("a fox #lose", {"lose": ""}),
        ("a fox #polls=3 #status=503 now", {"polls": "3", "status": "503"}),
        ("лиса #none", {"none": ""}),
    ],
)
def test_markers_are_found_in_words(words: str, expected: dict[str, str]) -> None:
    assert markers_of(words) == expected
