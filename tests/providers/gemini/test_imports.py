"""The SDK takes a second to import; nothing pays for it before the first call."""

from __future__ import annotations

import subprocess
import sys


def test_the_adapter_is_imported_without_the_sdk() -> None:
    program = """
import sys, providers.gemini
providers.gemini.GeminiProvider("key")
print([name for name in sys.modules if name.startswith(("google", "httpx", "pydantic"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
