# One image for all processes; the command says which: nb serve (the default), nb worker, nb beat, nb db migrate.
FROM python:3.13-slim-bookworm AS build

WORKDIR /build
RUN python -m venv --without-pip /opt/nanobanana && python -m venv /opt/build

# What is slow and seldom changes first: the dependencies, each one as its lock has it, and nothing compiled here.
COPY locks/image.txt locks/build.txt locks/
RUN pip --python /opt/nanobanana/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r locks/image.txt \
    && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --no-deps --only-binary :all: -r locks/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY cli cli
COPY core core
COPY piccolo_migrations piccolo_migrations
COPY providers providers
RUN /opt/build/bin/python -m hatchling build --target wheel \
    && pip --python /opt/nanobanana/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-index --no-deps dist/*.whl \
    && /opt/nanobanana/bin/python -m compileall -q -j 0 /opt/nanobanana


FROM node:24-bookworm-slim AS webapps

WORKDIR /build
COPY webapps/package.json webapps/package-lock.json webapps/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY webapps ./
RUN npm run build


FROM python:3.13-slim-bookworm

# Our own environment has no pip; the one of the base image goes, too.
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip \
    && useradd --system --uid 10001 --user-group --home-dir /srv/nanobanana --create-home nanobanana
COPY --from=build /opt/nanobanana /opt/nanobanana
COPY --from=webapps /build/dist /opt/nanobanana/webapps

# HOME is named, since migrations need one and a runtime that starts us under another number gives none.
ENV PATH=/opt/nanobanana/bin:$PATH \
    HOME=/srv/nanobanana \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NB_HOME=/srv/nanobanana/.nb \
    WEBAPPS_PATH=/opt/nanobanana/webapps

USER 10001:10001
WORKDIR /srv/nanobanana
EXPOSE 8000
# `nb` ends its children itself and leaves no orphans, so no init stands before it. All processes finish at SIGTERM.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=4 CMD ["python", "-m", "core.healthcheck"]
CMD ["nb", "serve"]

# Last, for it is another one in every build, and nothing after it is kept. Railway gives its own variable at run time.
ARG NB_COMMIT=""
ENV NB_COMMIT=$NB_COMMIT
LABEL org.opencontainers.image.revision=$NB_COMMIT
