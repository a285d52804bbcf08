# The console's image: web processes by default, a worker or any command with another CMD.
#   docker build -t tccc-console .
# `--build-arg LOCK=requirements/extras.txt` adds what SENTRY_DSN and TRACES_URL need.

FROM python:3.11-slim-bookworm AS build
ARG LOCK=requirements/base.txt
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/console
# Without pip: what is installed here stays as it is.
RUN python -m venv --without-pip .venv
COPY requirements requirements
RUN python -m pip --python .venv/bin/python install --quiet --require-hashes --no-deps -r "$LOCK"
# Languages that the console does not speak: a quarter of what is installed.
RUN find .venv/lib -path '*/locale/*/LC_MESSAGES' ! -path '*/locale/en/*' ! -path '*/locale/zh_Hans/*' -prune -exec rm -r {} +
COPY manage.py LICENSE ./
COPY accounts accounts
COPY agents agents
COPY billing billing
COPY compliance compliance
COPY config config
COPY locale locale
COPY static static
COPY templates templates
# Neither value is used for anything but to read the settings.
RUN SECRET_KEY=none DATABASE_URL=postgres://none .venv/bin/python manage.py collectstatic --no-input --verbosity 0
# The files cannot be written where they run, nor compiled there.
RUN .venv/bin/python -m compileall -q .venv/lib accounts agents billing compliance config

FROM python:3.11-slim-bookworm
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin console \
    && install --directory --owner console --mode 0700 /var/lib/console
COPY --from=build /srv/console /srv/console
WORKDIR /srv/console
ENV PATH=/srv/console/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GUNICORN_BIND=0.0.0.0:8000 \
    EVIDENCE_DIR=/var/lib/console/evidence
USER 10001
# All that is written: evidence files, and what is temporary (`--tmpfs /tmp` with `--read-only`).
VOLUME /var/lib/console
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-m", "config.healthcheck"]
CMD ["gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
