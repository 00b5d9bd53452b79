# One image for the API and the three workers; docker-compose.yml gives each its command.
FROM python:3.11-slim-bookworm AS build

WORKDIR /source
RUN python -m venv /opt/daehwa
COPY requirements-production.lock .
RUN /opt/daehwa/bin/pip install --no-cache-dir --disable-pip-version-check \
    --require-hashes -r requirements-production.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY streams streams
COPY infra infra
COPY agents agents
COPY api api
RUN /opt/daehwa/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.11-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin daehwa
COPY --from=build /opt/daehwa /opt/daehwa
ENV PATH=/opt/daehwa/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /tmp
EXPOSE 8080
CMD ["daehwa", "api"]
