# The dosekeeper sidecar: docker build -t dosekeeper . && docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges -p 8480:8480 -v dosekeeper:/data -e DOSEKEEPER_UPSTREAM__URL=https://… -e DOSEKEEPER_CENTRE__ID=… dosekeeper
# It needs no capability, and writes nowhere but in /data.
FROM python:3.11-slim AS builder
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock requirements-dev.lock ./
# The build tools come from the lock too, and stay in this stage.
RUN python -m pip install --require-hashes -r requirements-dev.lock \
 && python -m venv /opt/dosekeeper \
 && /opt/dosekeeper/bin/python -m pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY proxy ./proxy
COPY store ./store
COPY simulator ./simulator
# What the image is made of goes along: docker run --rm --entrypoint cat dosekeeper /opt/dosekeeper/sbom.cdx.json
RUN python -m build --wheel --no-isolation \
 && /opt/dosekeeper/bin/python -m pip install --no-deps dist/*.whl \
 && cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o /opt/dosekeeper/sbom.cdx.json

FROM python:3.11-slim
COPY --from=builder /opt/dosekeeper /opt/dosekeeper
# A number, not a name: Kubernetes' runAsNonRoot can check it.
RUN install -d -o 10001 -g 10001 -m 0700 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
# The admin port stays on the container's own loopback: docker exec … dosekeeper status. For Prometheus there is a port of its own:
# -e DOSEKEEPER_METRICS__HOST=0.0.0.0 -e DOSEKEEPER_METRICS__PORT=8482 -e DOSEKEEPER_METRICS__TOKEN_FILE=/data/metrics.token -p 8482:8482
ENV PATH=/opt/dosekeeper/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DOSEKEEPER_LISTEN__HOST=0.0.0.0 \
    DOSEKEEPER_STORE__PATH=/data/journal.db \
    DOSEKEEPER_STORE__KEY_FILE=/data/journal.key
EXPOSE 8480
STOPSIGNAL SIGTERM
# Ready means "can record": an outage of the upstream does not make the container unhealthy. HTTP_PROXY is not for this.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "from urllib.request import ProxyHandler as P, build_opener; build_opener(P({})).open('http://127.0.0.1:8481/readyz', timeout=2)"]
ENTRYPOINT ["dosekeeper"]
CMD ["serve"]
