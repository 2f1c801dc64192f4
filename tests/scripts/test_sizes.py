"""The Mini App is weighed wherever the clone lies."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from cli.local import webapps


def test_a_build_in_a_folder_with_spaces_and_cyrillic_is_weighed(tmp_path: Path) -> None:
    folder = tmp_path / "Мой проект" / "webapps"
    (folder / "scripts").mkdir(parents=True)
    (folder / "dist" / "assets").mkdir(parents=True)
    (folder / "dist" / "assets" / "index.js").write_text("let fox = 1;")
    weigher = shutil.copy(webapps.SOURCES / "scripts" / "sizes.mjs", folder / "scripts")
    node = webapps.find_node(os.environ, tmp_path / "log").folder / "node"

    weighed = subprocess.run([node, weigher], capture_output=True, text=True, timeout=60, check=False)

    assert weighed.returncode == 0, weighed.stderr
    assert "index.js" in weighed.stdout
