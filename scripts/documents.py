"""`just docs`: writes the documents that are made from code, and checks that every link in the others leads somewhere.

With ``--check`` nothing is written, and a document that is out of date is an error.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).parent.parent
CONFIGURATION = ROOT / "docs" / "configuration.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

HEAD = """\
# Configuration

The service is configured by environment variables, read once at start. A missing or malformed one, or an unknown one
that begins with `NB_`, stops the start with its name and an example. `nb up` sets all of them; a platform
such as Railway sets them for each service.

Made from `core/settings` by `just docs`.

| Variable | Default | Meaning | Example |
|---|---|---|---|
"""


def configuration() -> str:
    """Return the table of all settings."""
    lines = []
    for field in Settings.model_fields.values():
        default = "**required**" if field.is_required() else _code(field.default)
        example = f"`{field.examples[0]}`" if field.examples else ""
        lines.append(f"| `{field.alias}` | {default} | {field.description or ''} | {example} |")
    return HEAD + "\n".join(lines) + "\n"


def broken_links() -> Iterator[str]:
    """Say which links between our documents lead to no file or heading."""
    documents = [path for path in ROOT.rglob("*.md") if not _is_foreign(path)]
    for document in documents:
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, heading = target.partition("#")
            file = (document.parent / path).resolve() if path else document
            if not file.exists():
                yield f"{document.relative_to(ROOT)}: {target} leads to no file"
            elif heading and heading not in _headings(file):
                yield f"{document.relative_to(ROOT)}: {target} leads to no heading"


def main() -> int:
    """Write or check, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    problems = list(broken_links())
    text = configuration()
    if parser.parse_args().check:
        if not CONFIGURATION.exists() or CONFIGURATION.read_text(encoding="utf-8") != text:
            problems.append("docs/configuration.md is out of date: run `just docs`")
    else:
        CONFIGURATION.write_text(text, encoding="utf-8")
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def _code(value: object) -> str:
    return "" if value is None else f"`{getattr(value, 'value', value)}`"


def _headings(file: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def _is_foreign(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part.startswith(".") or part == "node_modules" for part in parts)


if __name__ == "__main__":
    sys.exit(main())
