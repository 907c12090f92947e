"""Reading what is deployed: YAML files, the pods in them, and the `recsys` commands in their text."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
KUBERAY = ROOT / "deploy" / "kuberay"
CLUSTER, DOCKERFILE, ENVIRONMENT = (
    ROOT / "cluster.yaml",
    ROOT / "Dockerfile",
    ROOT / "deploy/recsys.env.example",
)
BUILDABLE = sorted(path.parent.relative_to(ROOT) for path in KUBERAY.rglob("kustomization.yaml"))
NAMESPACES = {"-n", "namespace"}
"""After these the word is the name of a Kubernetes namespace."""
ENDS = {"&&", "||", ";", "|", "&", ";;"}


def documents(path: Path) -> list[dict[str, Any]]:
    """Every YAML document of a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


@cache
def resources() -> list[dict[str, Any]]:
    """Every Kubernetes object of the repository, without kustomize's own files."""
    files = (path for path in sorted(KUBERAY.rglob("*.yaml")) if path.name != "kustomization.yaml")
    return [document for path in files for document in documents(path)]


def find(kind: str, name: str) -> dict[str, Any]:
    """The one object of this kind and name."""
    (found,) = (r for r in resources() if r["kind"] == kind and r["metadata"]["name"] == name)
    return found


def pods(node: Any) -> Iterator[dict[str, Any]]:
    """Every pod specification inside `node`, at any depth."""
    if isinstance(node, dict):
        if "containers" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from pods(inner)


def ray_containers() -> list[dict[str, Any]]:
    """Containers that are Ray nodes or run the product; the submitter only sends a line of text."""
    return [
        container
        for resource in resources()
        for pod in pods(resource)
        for container in pod["containers"]
        if container["name"] != "submit"
    ]


def texts(node: Any) -> Iterator[str]:
    """Every string inside `node`; a list that begins with `recsys` is one command."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for inner in node.values():
            yield from texts(inner)
    elif isinstance(node, list) and node and node[0] == "recsys":
        yield shlex.join(node)
    elif isinstance(node, list):
        for inner in node:
            yield from texts(inner)


def commands(text: str) -> list[list[str]]:
    """Arguments of each `recsys …` command in shell text, of several lines or one."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        if re.search(r"(^|\s|['\"])recsys\s", line):
            found += _of_line(line)
    return found


def _of_line(line: str) -> list[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    found: list[list[str]] = []
    current: list[str] | None = None
    before = ""
    for token in lexer:
        if token in ENDS:
            current = None
        elif current is not None:
            current.append(token)
        elif token == "recsys" and before not in NAMESPACES:
            found.append(current := [])
        elif " " in token:
            found += commands(token)
        before = token
    return found
