"""Keys from the command line to the shop: what is made is signed, and only what is signed is taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from cluster.job_runner import environment_of
from cluster.runtime import worker_environment
from jobs.cli import app
from jobs.doctor.examination import examine, is_healthy
from jobs.doctor.finding import State
from jobs.signing import run_sign, run_verify
from recsys.config import EncoderConfig, RuntimeConfig
from recsys.encoder import TextEncoder
from recsys.encoder.exported import exported
from recsys.encoder_record import load_encoder_config, record_file, save_encoder_config
from recsys.errors import EncoderError, SignatureError
from recsys.index import current_version
from recsys.index.manifest import manifest_file
from recsys.shop import make_shop
from recsys.signing import SIGNING_KEY, SIGNING_KEY_FILE, TRUSTED_KEYS, create_key, key_id, public_text
from recsys.training.model_card import read_card, require_card, write_card
from recsys.workspace import Workspace
from tests.serve.conftest import NOW, make_small_shop


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SIGNING_KEY, SIGNING_KEY_FILE, TRUSTED_KEYS):
        monkeypatch.setenv(name, "")


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """A shop that was published before there were keys; copied, never changed."""
    root = tmp_path_factory.mktemp("signing")
    encoder = Path(shutil.copytree(tiny_bert, root / "ws" / "encoders" / "tuned"))
    make_small_shop(root / "ws", encoder, make_shop(num_items=50, num_shoppers=8, now=NOW))
    return root / "ws"


@pytest.fixture
def workspace(unsigned: Path) -> Workspace:
    """The shop; its encoder is a trained one of its own, without a card."""
    return Workspace(unsigned)


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ed25519PrivateKey:
    """A key that signs; trusted by nobody yet."""
    key = create_key(tmp_path / "signing.pem")
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "signing.pem"))
    return key


def state_of(workspace: Workspace, name: str) -> tuple[State, str]:
    """What `recsys doctor` says of one part."""
    found = {one.name: one for one in examine(RuntimeConfig(workspace=workspace.root))}
    return found[name].state, found[name].found


def test_keys_come_to_a_shop_that_had_none(
    workspace: Workspace, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_verify(workspace, None).signers == {"index": "nobody", "encoder": "nobody"}
    assert state_of(workspace, "signatures")[0] is State.OK
    assert "no trusted keys" in state_of(workspace, "signatures")[1]
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    for refused in (run_verify, run_sign):
        with pytest.raises(SignatureError, match="not signed"):
            refused(workspace, None)
    assert state_of(workspace, "index")[0] is State.FAILED

    monkeypatch.setenv(TRUSTED_KEYS, "")
    write_card(workspace.encoders / "tuned", {"mode": "full"}, [])
    assert set(run_sign(workspace, None).signers.values()) == {key_id(key)}
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    assert run_verify(workspace, None).signers == dict.fromkeys(("index", "encoder", "card"), key_id(key))
    assert is_healthy(examine(RuntimeConfig(workspace=workspace.root)))
    assert key_id(key) in state_of(workspace, "signatures")[1]
    monkeypatch.setenv(TRUSTED_KEYS, public_text(Ed25519PrivateKey.generate()))
    assert state_of(workspace, "index")[0] is State.FAILED


def test_an_encoder_is_loaded_only_as_it_was_signed(
    tmp_path: Path, tiny_bert: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))
    workspace, config = Workspace(tmp_path / "ws"), EncoderConfig(source=str(folder))
    save_encoder_config(workspace, "e", config)
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    pinned = load_encoder_config(workspace, "e")
    assert TextEncoder.load(pinned).dim
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"layer_norm_eps": 1e-3}))
    with pytest.raises(EncoderError, match="not the one on record"):
        TextEncoder.load(pinned)
    record = record_file(workspace, "e")
    record.path.write_text(record.path.read_text().replace("mean", "cls"))
    with pytest.raises(SignatureError, match="does not fit"):
        load_encoder_config(workspace, "e")


def test_a_card_speaks_for_one_content_and_a_trained_encoder_needs_one(
    tmp_path: Path, tiny_bert: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "ws")
    built, tuned = workspace.encoders / ".tuned", workspace.encoders / "tuned"
    shutil.copytree(tiny_bert, built)
    write_card(built, {"mode": "full"}, [])
    built.rename(tuned)
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    require_card(workspace, tuned)
    require_card(workspace, tiny_bert)  # not one of the workspace's own
    settings = json.loads((tuned / "config.json").read_text())
    (tuned / "config.json").write_text(json.dumps(settings | {"layer_norm_eps": 1e-3}))
    with pytest.raises(SignatureError):
        read_card(tuned)
    (tuned / "card.json").unlink()
    with pytest.raises(SignatureError, match="no card"):
        require_card(workspace, tuned)


def test_an_export_that_nobody_trusted_signed_is_made_again(
    tmp_path: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def make(file: Path) -> None:
        made.append(file.write_bytes(b"network"))

    file = exported(tmp_path, "name", make)
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    assert exported(tmp_path, "name", make) == file
    assert len(made) == 1
    (file.parent / "model.sha256.sig").unlink()
    exported(tmp_path, "name", make)
    assert len(made) == 2


def test_the_private_key_never_leaves_this_machine_and_trust_does(
    key: Ed25519PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNING_KEY_FILE, "")
    monkeypatch.setenv(SIGNING_KEY, (tmp_path / "signing.pem").read_text())
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    for passed in (worker_environment(), environment_of(RuntimeConfig(workspace=tmp_path))):
        assert passed[TRUSTED_KEYS] == public_text(key)
        assert "PRIVATE" not in json.dumps(passed)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_command_line_makes_shows_and_uses_keys(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "new.pem"
    assert run("signing-keys", "create", "--file", str(file)).exit_code == 0
    shown = json.loads(run("--signing-key", str(file), "signing-keys", "show", "--json").stdout)
    signer, public = shown["signs_with"].split()
    (tmp_path / "trusted").write_text(public)
    shown = json.loads(
        run("--trusted-key", str(tmp_path / "trusted"), "signing-keys", "show", "--json").stdout
    )
    assert shown["trusts"] == {signer: public}
    where = ("--workspace", str(workspace.root), "--json")
    unsigned = Ed25519PrivateKey.generate()
    refused = run("--trusted-key", public_text(unsigned), "verify", current_version(workspace), *where)
    assert isinstance(refused.exception, SignatureError)
    assert "PRIVATE" not in refused.output
    assert manifest_file(workspace, current_version(workspace)).path.is_file()
