# One image for every node of a cluster and for a single machine: the product, its encoder, PostgreSQL's driver.
#   docker build -t recsys:0.1.0 .
#   docker build -t recsys:0.1.0-gpu --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
# BASE may name the same tag by digest; the tag alone is what the base's publisher last built for this version.
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS build
ARG TORCH=torch==2.13.0
# PyTorch's own index has builds without CUDA; the usual one brings gigabytes of CUDA libraries.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG EXTRAS=minilm,postgres,traces
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/recsys
ENV PATH=/opt/recsys/bin:$PATH
# Pinned by TORCH.
# hadolint ignore=DL3013
RUN pip install --index-url "${TORCH_INDEX}" "${TORCH}"
WORKDIR /src
COPY pyproject.toml README.md ./
COPY recsys recsys
COPY cluster cluster
COPY serve_app serve_app
COPY jobs jobs
# Its requirements are floors, the product itself is this folder.
# hadolint ignore=DL3013
RUN pip install ".[${EXTRAS}]"

FROM ${BASE}
# LightGBM needs OpenMP's library. Its version follows the base image, which is pinned above.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home recsys \
    && install --directory --owner=1000 --group=1000 /workspace
COPY --from=build /opt/recsys /opt/recsys
# Nothing here is secret; the rule takes the name TOKENIZERS_PARALLELISM for a token.
# hadolint ignore=DL3064
ENV PATH=/opt/recsys/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    TOKENIZERS_PARALLELISM=false \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_SERVE_THROUGHPUT_OPTIMIZED=1 \
    RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP=1 \
    RAY_SERVE_ENABLE_DIRECT_INGRESS=0 \
    RECSYS_WORKSPACE=/workspace \
    RECSYS_PORT=8000
USER 1000:1000
WORKDIR /home/recsys
VOLUME /workspace
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['RECSYS_PORT'] + '/healthz', timeout=4)"]
# No entry point: on Kubernetes the operator starts Ray in this image with a shell of its own.
CMD ["recsys", "serve", "--host", "0.0.0.0", "--public"]
