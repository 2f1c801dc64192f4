"""The figures of many jobs: read from the worker's own log, judged on the safe side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from benchmarks import generations as measure
from benchmarks import vendor


def write_log(path: Path, ticks: list[dict[str, float]]) -> int:
    """Write a log as a worker does, after an older line that does not count; return where it begins."""
    older = json.dumps({"event": measure.TICK, "polls": 1000, "late_p50_s": 99, "late_p95_s": 99, "late_max_s": 99})
    path.write_text(older + "\n")
    offset = path.stat().st_size
    lines = [json.dumps({"event": measure.TICK, **tick}) for tick in ticks] + ['{"event": "bot_started"}']
    with path.open("a") as file:
        file.write("\n".join(lines))
    return offset


def test_lateness_is_weighed_by_polls_and_begins_at_the_offset(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    offset = write_log(
        log,
        [
            {"polls": 900, "late_p50_s": 0.2, "late_p95_s": 0.4, "late_max_s": 0.5},
            {"polls": 100, "late_p50_s": 5.0, "late_p95_s": 6.0, "late_max_s": 9.0},
        ],
    )
    assert measure._lateness(log, offset) == (0.4, 5.0)


def test_a_worker_that_polled_nothing_is_no_good_result(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with pytest.raises(RuntimeError, match="polled nothing"):
        measure._lateness(log, write_log(log, []))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 1.0), (0.51, 2.0), (1.0, 2.0)])
def test_a_percentile_is_of_weights(share: float, expected: float) -> None:
    assert measure._percentile([(2.0, 5.0), (1.0, 5.0)], share) == expected


@pytest.mark.integration
async def test_the_emulated_world_ends_videos_when_it_is_told() -> None:
    async with TestClient(TestServer(vendor.Vendor(b"film").application())) as client:
        path = "/v1/videos/text2video/1"
        assert (await (await client.get(path)).json())["data"]["task_status"] == "processing"
        await client.post("/end", json={"within": 0})
        data = (await (await client.get(path)).json())["data"]
        assert data["task_status"] == "succeed"
        film = await client.get(f"/film/{data['task_result']['videos'][0]['id']}")
        assert await film.read() == b"film"


@pytest.mark.integration
async def test_the_emulated_world_refuses_more_pictures_than_it_has_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "SLOTS", 0)
    async with TestClient(TestServer(vendor.Vendor(b"film").application())) as client:
        assert (await client.post("/v1/models/x:generateContent", json={})).status == 429
        assert (await (await client.get("/figures")).json())["refused"] == 1
