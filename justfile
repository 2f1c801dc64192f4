# Lists the recipes.
default:
    @just --list --unsorted

# Start the whole product on this machine.
up *arguments:
    nb up {{arguments}}

# Everything that must pass before a change lands: lint, types, layers and all tests.
test: lint types
    pytest

# Style, import order, layers.
lint:
    ruff format --check .
    ruff check .
    lint-imports

# Strict type check.
types:
    mypy

# Bring the style in order.
format:
    ruff format .
    ruff check --fix .

# Speed and memory beside a yardstick measured in the same run.
bench *arguments:
    python -m benchmarks {{arguments}}

# Resolve the dependencies anew and write the lock.
lock:
    uv pip compile --quiet pyproject.toml --universal --generate-hashes --group local -o locks/runtime.txt
    uv pip compile --quiet pyproject.toml --universal --generate-hashes --group dev -o locks/dev.txt
