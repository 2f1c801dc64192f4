"""`python -m benchmarks [name ...] [--json]`: run the measures and print them; exit with 1 when a target is missed."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.table import Row, as_json, machine, render

MODULES = (
    "cli",
    "webhook",
    "ledger",
    "postings",
    "verification",
    "tasks",
    "pipeline",
    "generations",
    "storage",
    "logs",
    "app",
    "webapps",
)
"""Each has `run() -> list[Row]`."""


def main() -> int:
    """Run the named modules, all of them when none is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(MODULES)}")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MODULES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}")
    rows: list[Row] = []
    for name in arguments.names or MODULES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").run()
    about = machine()
    print(as_json(rows, about) if arguments.json else render(rows, about))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
