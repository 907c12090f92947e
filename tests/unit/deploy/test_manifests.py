"""What is deployed fits what is in the code, and what the platforms' own validators accept."""

from __future__ import annotations

import copy
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import kubernetes_validate
import pytest
import typer
import yaml
from jsonschema import ValidationError
from ray import __version__ as ray_version

from cluster.runtime import SERVE_ENVIRONMENT, worker_environment
from jobs.cli import app
from recsys.config import ServeConfig
from recsys.erasure_ledger import VARIABLE as ERASURE_SECRET
from recsys.privacy.secret import VARIABLE as PSEUDONYM_SECRET
from recsys.signing import SIGNING_KEY
from serve_app.route_scopes import SCOPES
from tests.unit.deploy.custom_resources import KINDS, validate_custom
from tests.unit.deploy.manifests import (
    BUILDABLE,
    CLUSTER,
    DOCKERFILE,
    ENVIRONMENT,
    KUBERAY,
    ROOT,
    commands,
    documents,
    find,
    pods,
    ray_containers,
    resources,
    texts,
)

LAUNCHER = importlib.import_module("ray.autoscaler._private.util")
"""Ray has no public name for the checks of `ray up`."""
PAGE = ROOT / "docs" / "cluster.md"
KUBERNETES = "1.32"
PORT = ServeConfig().port
SHARDS = 8
"""Shards of a catalog for which the serving pods must have room."""
RESOURCES = resources()


def _deployed() -> list[Path]:
    return [CLUSTER, DOCKERFILE, ENVIRONMENT, *sorted(KUBERAY.rglob("*.yaml"))]


def _launcher() -> dict[str, Any]:
    (config,) = documents(CLUSTER)
    return config


def _all_commands() -> list[list[str]]:
    """Of every manifest and of the page's shell blocks; patches of overlays are YAML inside strings."""
    found = [
        one
        for path in sorted(KUBERAY.rglob("*.yaml"))
        for text in texts(documents(path))
        for one in commands(text)
    ]
    found += [one for text in texts(_launcher()) for one in commands(text)]
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL):
        found += commands(block)
    (image,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)
    return [*found, yaml.safe_load(image)[1:]]


def _parse(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """The command's name and the options as it would get them; raises what the command line would."""
    group: Any = typer.main.get_command(app)
    here = [str(ROOT / "README.md") if one.endswith(".csv") else one for one in arguments]  # must exist
    context = group.make_context("recsys", here, resilient_parsing=False)
    rest = [*context._protected_args, *context.args]
    name, command, rest = group.resolve_command(context, rest)
    if hasattr(command, "resolve_command"):
        inner = command.make_context(name, rest, parent=context)
        sub, command, rest = command.resolve_command(inner, [*inner._protected_args, *inner.args])
        name = f"{name} {sub}"
    return name, command.make_context(name, rest, parent=context).params


def _served() -> dict[str, Any]:
    """Options that `recsys serve` gets in its pod."""
    (serve,) = find("Deployment", "recsys-serve")["spec"]["template"]["spec"]["containers"]
    (arguments,) = commands(serve["args"][0])
    return _parse(arguments)[1]


def _schema_of(resource: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": resource}


# Ray's launcher


def test_the_launcher_accepts_the_cluster_file() -> None:
    prepared = LAUNCHER.prepare_config(_launcher())
    LAUNCHER.validate_config(prepared)
    assert prepared["available_node_types"]["head"]["max_workers"] == 0


def test_the_launchers_validator_would_refuse_an_unknown_field() -> None:
    broken = LAUNCHER.prepare_config(_launcher()) | {"idle_timeout": 5}
    with pytest.raises(ValidationError):
        LAUNCHER.validate_config(broken)


def test_groups_stay_within_the_clusters_limit_and_idle_gpus_leave() -> None:
    config = _launcher()
    groups = {k: v for k, v in config["available_node_types"].items() if k != config["head_node_type"]}
    assert all(0 <= group["min_workers"] <= group["max_workers"] for group in groups.values())
    assert sum(group["max_workers"] for group in groups.values()) <= config["max_workers"]
    assert groups["gpu"]["min_workers"] == 0
    assert groups["gpu"]["resources"]["GPU"] > 0
    assert "GPU" not in groups["serving"]["resources"]
    assert 0 < config["idle_timeout_minutes"] <= 30


@pytest.mark.parametrize("kind", ["head", "worker"])
def test_ray_starts_on_every_machine_with_token_and_serve_variables(kind: str) -> None:
    (start,) = (line for line in _launcher()[f"{kind}_start_ray_commands"] if "ray start" in line)
    exports, _, after = start.partition("ray start")
    for name, value in {**SERVE_ENVIRONMENT, "RAY_AUTH_MODE": "token"}.items():
        assert f" {name}={value}" in exports.replace(";", " ;")
    assert "RAY_AUTH" not in after


def test_bash_reads_every_command_of_the_cluster_file() -> None:
    lines = [line for name, value in _launcher().items() if name.endswith("_commands") for line in value]
    assert len(lines) > 8
    for line in lines:
        read = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
        assert (read.returncode, read.stderr) == (0, ""), line


def test_the_launcher_opens_no_port_beside_ssh() -> None:
    config = _launcher()
    assert "IpPermissions" not in config["provider"]["security_group"]
    (start,) = (line for line in config["head_start_ray_commands"] if "ray start" in line)
    assert "--dashboard-host=127.0.0.1" in start


# Kubernetes


def _validate(resource: dict[str, Any]) -> None:
    """By the schemas of Kubernetes, or of KubeRay; whose kind it is decides."""
    if resource["kind"] in KINDS:
        validate_custom(resource)
    else:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: f"{r['kind']}-{r['metadata']['name']}")
def test_the_schemas_of_its_platform_accept_every_object(resource: dict[str, Any]) -> None:
    _validate(resource)


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("RayCluster", "recsys", ""),
        ("RayCluster", "recsys", "spec"),
        ("RayCluster", "recsys", "spec/headGroupSpec"),
        ("RayCluster", "recsys", "spec/workerGroupSpecs/0"),
        ("RayCluster", "recsys", "spec/headGroupSpec/template"),
        ("RayCluster", "recsys", "metadata"),
        ("RayJob", "recsys-embed", "spec"),
        ("RayJob", "recsys-embed", "spec/rayClusterSpec/authOptions"),
    ],
)
def test_the_schemas_of_kuberay_would_refuse_a_misspelt_field(kind: str, name: str, path: str) -> None:
    broken: Any = copy.deepcopy(find(kind, name))
    node = broken
    for part in filter(None, path.split("/")):
        node = node[int(part) if part.isdecimal() else part]
    node["minReplica"] = 1
    with pytest.raises(ValidationError, match="minReplica"):
        validate_custom(broken)


def test_the_schemas_of_kuberay_would_refuse_a_wrong_type_and_an_absent_part() -> None:
    cluster = find("RayCluster", "recsys")
    for change in ({"rayVersion": 2.6}, {"headGroupSpec": None}):
        with pytest.raises(ValidationError):
            validate_custom({**cluster, "spec": {**cluster["spec"], **change}})
    without = {name: one for name, one in cluster["spec"].items() if name != "headGroupSpec"}
    with pytest.raises(ValidationError, match="headGroupSpec"):
        validate_custom({**cluster, "spec": without})


@pytest.mark.parametrize(
    "pod", [pod for r in RESOURCES for pod in pods(r)], ids=lambda pod: str(pod["containers"][0]["name"])
)
def test_kubernetes_schemas_accept_every_pod_and_it_is_confined(pod: dict[str, Any]) -> None:
    kubernetes_validate.validate(_schema_of(pod), KUBERNETES, strict=True)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_the_schemas_would_refuse_a_misspelt_probe() -> None:
    pod = copy.deepcopy(next(pods(find("RayCluster", "recsys"))))
    pod["containers"][0]["livenessprobe"] = pod["containers"][0].pop("livenessProbe")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(_schema_of(pod), KUBERNETES, strict=True)


@pytest.mark.parametrize("container", ray_containers(), ids=lambda one: str(one["name"]))
def test_every_node_has_environment_database_and_workspace(container: dict[str, Any]) -> None:
    environment = find("ConfigMap", "recsys-environment")
    assert environment["data"].items() >= SERVE_ENVIRONMENT.items()
    assert {"configMapRef": {"name": "recsys-environment"}} in container["envFrom"]
    database = next(one for one in container["env"] if one["name"] == "RECSYS_DATABASE_URL")
    assert database["valueFrom"]["secretKeyRef"]["name"] == "recsys-database"
    mounted = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert mounted[environment["data"]["RECSYS_WORKSPACE"]] == "workspace"


@pytest.mark.parametrize("container", ray_containers(), ids=lambda one: str(one["name"]))
def test_secrets_reach_every_container_and_the_private_key_those_that_sign(container: dict[str, Any]) -> None:
    taken = [one["secretRef"] for one in container["envFrom"] if "secretRef" in one]
    assert taken[0] == {"name": "recsys-secrets", "optional": True}
    signs = container["name"] in {"fit", "loop", "backup"}
    if container["name"] != "ray-head":
        assert taken[1:] == ([{"name": "recsys-signing", "optional": True}] if signs else [])


def test_the_head_of_an_embedding_signs_and_the_one_that_serves_does_not() -> None:
    embedding = find("RayJob", "recsys-embed")["spec"]["rayClusterSpec"]
    for spec, signs in ((embedding, True), (find("RayCluster", "recsys")["spec"], False)):
        (head,) = spec["headGroupSpec"]["template"]["spec"]["containers"]
        taken = [one["secretRef"]["name"] for one in head["envFrom"] if "secretRef" in one]
        assert ("recsys-signing" in taken) is signs


def test_what_ray_shows_of_its_workers_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PSEUDONYM_SECRET, ERASURE_SECRET, SIGNING_KEY, "RECSYS_DATABASE_URL"):
        monkeypatch.setenv(name, "not to be shown")
    assert "not to be shown" not in worker_environment().values()


def test_long_running_containers_have_probes_and_one_claim_is_shared() -> None:
    for container in ray_containers():
        if container["name"] == "loop":
            assert "readinessProbe" in container
        elif container["name"] not in ("fit", "backup"):
            assert container.keys() >= {"livenessProbe", "readinessProbe"}
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for resource in RESOURCES
        for pod in pods(resource)
        for volume in pod.get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    assert claims == {r["metadata"]["name"] for r in RESOURCES if r["kind"] == "PersistentVolumeClaim"}
    assert claims == {"recsys-workspace", "recsys-backups"}


def test_ray_clusters_ask_for_the_token_and_the_installed_version() -> None:
    specs = [find("RayCluster", "recsys")["spec"], find("RayJob", "recsys-embed")["spec"]["rayClusterSpec"]]
    for spec in specs:
        assert spec["authOptions"] == {"mode": "token", "secretName": "recsys-ray-token"}
        assert spec["rayVersion"] == ray_version
    (serve,) = find("Deployment", "recsys-serve")["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one for one in serve["env"]}
    assert variables["RAY_AUTH_MODE"]["value"] == "token"
    assert variables["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]["name"] == "recsys-ray-token"


def _built(folder: Path) -> list[dict[str, Any]]:
    """What kustomize makes of a folder."""
    built = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


def _of(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


def _holds_copies(objects: list[dict[str, Any]]) -> None:
    """Serving pods hold what `recsys serve` starts, and keep a copy of everything while one is taken away."""
    (container,) = _of(objects, "Deployment", "recsys-serve")["spec"]["template"]["spec"]["containers"]
    (arguments,) = commands(container["args"][0])
    options = _parse(arguments)[1]
    (group,) = _of(objects, "RayCluster", "recsys")["spec"]["workerGroupSpecs"]
    pods = group["replicas"]
    assert (group["minReplicas"], group["maxReplicas"]) == (pods, pods)
    copies = options["shard_replicas"].least
    assert copies == options["encoders"] == min(pods, 2)
    assert options["loop"] is False
    assert (options["print_log"], options["log_format"]) == (True, "json")
    config = ServeConfig()
    replicas = copies * SHARDS + options["encoders"] + options["recommenders"].least + 1
    asked = (replicas + config.num_profile_partitions) * config.cpus_per_replica
    (worker,) = group["template"]["spec"]["containers"]
    assert asked <= max(pods - 1, 1) * float(worker["resources"]["limits"]["cpu"])
    if pods > 1:
        assert options["recommenders"].least == pods  # one in each pod, which tells that pod's figures
    budget = _of(objects, "PodDisruptionBudget", "recsys-serving")["spec"]
    assert budget["minAvailable"] == pods - 1
    labels = {"ray.io/cluster": "recsys", "ray.io/group": group["groupName"]}
    assert budget["selector"]["matchLabels"] == labels


def test_serving_pods_hold_two_copies_also_while_one_of_them_is_away() -> None:
    _holds_copies(RESOURCES)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl builds the overlays")
@pytest.mark.parametrize("overlay", ["local", "production"])
def test_serving_pods_of_an_overlay_hold_its_copies(overlay: str) -> None:
    _holds_copies(_built(KUBERAY / "overlays" / overlay))


def test_prometheus_finds_the_serving_pods_and_may_reach_them() -> None:
    spec = find("RayCluster", "recsys")["spec"]
    (group,) = spec["workerGroupSpecs"]
    told = group["template"]["metadata"]["annotations"]
    assert told["prometheus.io/port"] == str(PORT)
    assert ("GET", told["prometheus.io/path"]) in SCOPES
    assert "annotations" not in spec["headGroupSpec"]["template"]["metadata"]  # nor twice the same figures
    (rule,) = (
        rule
        for rule in find("NetworkPolicy", "recsys")["spec"]["ingress"]
        if "prometheus" in str(rule["from"])
    )
    assert rule["from"][0].keys() == {"namespaceSelector", "podSelector"}
    assert rule["ports"] == [{"protocol": "TCP", "port": PORT}]


def test_the_image_has_what_traces_need() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (installed,) = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert set(installed.split(",")) <= extras.keys()
    assert {"minilm", "postgres", "traces"} <= set(installed.split(","))


def test_the_loop_turns_in_a_pod_of_its_own_with_the_memory_of_a_fit() -> None:
    assert _served()["loop"] is False
    loop = find("Deployment", "recsys-loop")["spec"]
    assert (loop["replicas"], loop["strategy"]) == (1, {"type": "Recreate"})
    (container,) = loop["template"]["spec"]["containers"]
    name, options = _parse(container["args"][1:])
    assert (name, options["address"]) == ("loop start", None)
    (fit,) = find("Job", "recsys-fit")["spec"]["template"]["spec"]["containers"]
    for kind in ("requests", "limits"):
        assert container["resources"][kind]["memory"] == fit["resources"][kind]["memory"]
    (probe,) = commands(container["readinessProbe"]["exec"]["command"][-1])
    assert _parse(probe) == ("loop status", ANY)
    policy = find("NetworkPolicy", "recsys")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= loop["template"]["metadata"]["labels"].items()
    assert policy["policyTypes"] == ["Ingress"]  # the database may lie anywhere


def test_actors_of_the_embedding_job_fit_on_its_workers() -> None:
    spec = find("RayJob", "recsys-embed")["spec"]
    (entry,) = commands(spec["entrypoint"])
    _, options = _parse(entry)
    (group,) = spec["rayClusterSpec"]["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    each = int(float(container["resources"]["limits"]["cpu"]) // options["cpus"])
    assert group["replicas"] * each >= (options["actors"].most or options["actors"].least)


def test_a_backup_is_made_every_night_outside_of_the_workspace_and_old_ones_go() -> None:
    job = find("CronJob", "recsys-backup")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    (container,) = job["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (command,) = container["args"]
    (arguments,) = commands(command)
    name, options = _parse(arguments)
    mounted = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert (name, mounted[str(options["out"].parent)]) == ("backup", "backups")
    assert command.index("recsys backup") < command.index("&& ls") < command.index("rm --")


def test_old_backups_go_by_the_command_of_the_manifest(tmp_path: Path) -> None:
    (container,) = find("CronJob", "recsys-backup")["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ]
    for day in range(10, 30):
        (tmp_path / f"shop-200101{day}T021700.tar.gz").touch()
    line = container["args"][0].replace("/backups", str(tmp_path)).replace("recsys backup --out", "touch")
    for _ in range(2):
        subprocess.run(["bash", "-c", line], check=True)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert len(kept) == 14
    assert "shop-20010116T021700.tar.gz" not in kept
    assert "shop-20010129T021700.tar.gz" in kept


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl builds the job")
def test_training_has_a_machine_for_each_of_its_workers() -> None:
    (job,) = _built(KUBERAY / "jobs" / "train")
    assert (job["kind"], job["metadata"]["name"]) == ("RayJob", "recsys-train")
    (entry,) = commands(job["spec"]["entrypoint"])
    name, options = _parse(entry)
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert (name, options["workers"], options["address"]) == ("train", group["replicas"], "auto")


@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl builds the overlays; it is not installed"
)
@pytest.mark.parametrize("folder", BUILDABLE, ids=str)
def test_every_kustomization_builds_into_valid_pods(folder: Path) -> None:
    objects = _built(ROOT / folder)
    assert objects
    for resource in objects:
        assert resource["kind"] == "Namespace" or resource["metadata"]["namespace"] == "recsys"
        _validate(resource)
        for pod in pods(resource):
            kubernetes_validate.validate(_schema_of(pod), KUBERNETES, strict=True)


# The image


def test_hadolint_has_nothing_to_say_about_the_image() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")  # of this environment, whatever the PATH holds
    found = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_is_pinned_and_runs_as_nobody_special() -> None:
    text = DOCKERFILE.read_text()
    (base,) = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["1000:1000"]
    for name, value in {**SERVE_ENVIRONMENT, "HF_HUB_OFFLINE": "1"}.items():
        assert f"{name}={value}" in text


def test_what_the_image_copies_reaches_its_build() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)


# All of it beside the code


def test_there_are_commands_for_each_step() -> None:
    names = {_parse(one)[0] for one in _all_commands()}
    assert names >= {"serve", "embed", "fit", "import items", "status"}


@pytest.mark.parametrize("arguments", _all_commands(), ids=" ".join)
def test_every_command_is_one_that_recsys_takes(arguments: list[str]) -> None:
    _parse(arguments)


def test_the_parser_would_refuse_an_option_that_is_not_there() -> None:
    with pytest.raises(Exception, match="No such option"):
        _parse(["embed", "--gpu-count", "1"])


def _code() -> str:
    """The product's own code, in one piece."""
    parts = ("recsys", "cluster", "serve_app", "jobs")
    return "\n".join(path.read_text() for part in parts for path in (ROOT / part).rglob("*.py"))


def test_every_variable_that_the_code_reads_stands_in_the_table() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `R")]
    told = set(re.findall(r"`(RECSYS_[A-Z_]+)`", " ".join(rows)))
    assert told == set(re.findall(r'"(RECSYS_[A-Z_]+)"', _code()))


def test_every_own_variable_is_read_somewhere() -> None:
    code = _code()
    named = {
        name for path in [*_deployed(), PAGE] for name in re.findall(r"\bRECSYS_[A-Z_]+", path.read_text())
    }
    assert named >= {"RECSYS_WORKSPACE", "RECSYS_DATABASE_URL"}
    assert {name for name in named if f'"{name}"' not in code} == set()


def test_one_port_everywhere() -> None:
    (serve,) = find("Deployment", "recsys-serve")["spec"]["template"]["spec"]["containers"]
    (arguments,) = commands(serve["args"][0])
    assert _parse(arguments)[1]["port"] == PORT
    (port,) = find("Service", "recsys")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (PORT, PORT)
    head = find("RayCluster", "recsys")["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    assert PORT in {one["containerPort"] for one in head["ports"]}
    for probe in ("readinessProbe", "livenessProbe"):
        assert f"http://recsys:{PORT}/" in serve[probe]["exec"]["command"][-1]
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE.read_text(), re.MULTILINE) == [str(PORT)]
    assert f"RECSYS_PORT={PORT}" in DOCKERFILE.read_text()


def test_the_service_reaches_the_node_that_always_has_a_proxy() -> None:
    cluster = find("RayCluster", "recsys")["metadata"]["name"]
    selector = find("Service", "recsys")["spec"]["selector"]
    assert selector == {"ray.io/cluster": cluster, "ray.io/node-type": "head"}
    (serve,) = find("Deployment", "recsys-serve")["spec"]["template"]["spec"]["containers"]
    assert f"--address={cluster}-head-svc:6379" in serve["args"][0]
