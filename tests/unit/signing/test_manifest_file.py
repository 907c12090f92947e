"""A manifest is believed to the byte, under its own name, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.errors import ConfigError, SignatureError
from recsys.signing import (
    SIGNING_KEY,
    SIGNING_KEY_FILE,
    TRUSTED_KEYS,
    ManifestFile,
    create_key,
    key_id,
    public_text,
    signing_key,
    trusted_keys,
)

CONTENT = b'{"files": [{"path": "a", "sha256": "00"}]}'


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SIGNING_KEY, SIGNING_KEY_FILE, TRUSTED_KEYS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ed25519PrivateKey:
    """A key that signs here and is trusted here."""
    key = create_key(tmp_path / "keys" / "signing.pem")
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "keys" / "signing.pem"))
    monkeypatch.setenv(TRUSTED_KEYS, public_text(key))
    return key


def manifest(folder: Path, name: str = "v1", kind: str = "index") -> ManifestFile:
    return ManifestFile(folder / f"{name}.json", kind, name)


@pytest.fixture
def signed(tmp_path: Path, key: Ed25519PrivateKey) -> tuple[ManifestFile, bytes]:
    """A manifest, and the signature it was given."""
    file = manifest(tmp_path)
    file.write(CONTENT)
    return file, file.signature_path.read_bytes()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(in_signature=st.booleans(), data=st.data())
def test_any_changed_byte_of_manifest_or_signature_is_refused(
    signed: tuple[ManifestFile, bytes], in_signature: bool, data: st.DataObject
) -> None:
    file, signature = signed
    file.path.write_bytes(CONTENT)
    file.signature_path.write_bytes(signature)
    assert file.read() == CONTENT
    harmed, content = (
        (file.signature_path, bytearray(signature)) if in_signature else (file.path, bytearray(CONTENT))
    )
    change = data.draw(st.sampled_from(["flip", "cut", "grow"]))
    if change == "flip":
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    elif change == "cut":
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content += data.draw(st.binary(min_size=1, max_size=3))
    harmed.write_bytes(content)
    with pytest.raises(SignatureError):
        file.read()


def last_digit_changed(signature: bytes) -> bytes:
    """The same 64 bytes in base64 whose unused bits are not zero."""
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = signature.rindex(b"==") - 1
    return signature[:place] + bytes([digits[digits.index(signature[place]) + 1]]) + signature[place + 1 :]


@pytest.mark.parametrize(
    "rewrite",
    [
        bytes.rstrip,
        lambda signature: signature + b"\n",
        lambda signature: signature.replace(b" ", b"\t"),
        lambda signature: b" " + signature,
        last_digit_changed,
    ],
)
def test_other_bytes_that_mean_the_same_signature_are_refused(
    signed: tuple[ManifestFile, bytes], rewrite: Callable[[bytes], bytes]
) -> None:
    file, signature = signed
    assert rewrite(signature) != signature
    file.signature_path.write_bytes(rewrite(signature))
    with pytest.raises(SignatureError, match="altered"):
        file.read()


@pytest.mark.usefixtures("key")
def test_the_manifest_of_one_name_or_kind_says_nothing_under_another(tmp_path: Path) -> None:
    old = manifest(tmp_path)
    old.write(CONTENT)
    assert old.read() == CONTENT
    for other in (manifest(tmp_path, "v2"), manifest(tmp_path, "v1", "encoder")):
        if other.path != old.path:
            shutil.copy(old.path, other.path)
            shutil.copy(old.signature_path, other.signature_path)
        with pytest.raises(SignatureError, match="does not fit"):
            other.read()


@pytest.mark.usefixtures("key")
def test_a_manifest_without_a_signature_is_refused_where_keys_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = manifest(tmp_path)
    file.path.write_bytes(CONTENT)
    with pytest.raises(SignatureError, match="not signed"):
        file.read()
    monkeypatch.delenv(TRUSTED_KEYS)
    assert file.read() == CONTENT


@pytest.mark.usefixtures("key")
def test_a_key_nobody_trusts_is_refused_also_when_it_calls_itself_a_trusted_one(tmp_path: Path) -> None:
    file, stranger = manifest(tmp_path), Ed25519PrivateKey.generate()
    file.write(CONTENT)
    file.sign(stranger)
    with pytest.raises(SignatureError, match=f"not trusted.*{key_id(stranger)}"):
        file.read()
    (trusted,) = trusted_keys()
    forged = file.signature_path.read_text().replace(key_id(stranger), trusted)
    file.signature_path.write_text(forged)
    with pytest.raises(SignatureError, match="does not fit"):
        file.read()


def test_a_key_is_replaced_while_both_are_trusted(
    tmp_path: Path, key: Ed25519PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = create_key(tmp_path / "new.pem")
    before, after = manifest(tmp_path, "v1"), manifest(tmp_path, "v2")
    before.write(CONTENT)
    monkeypatch.setenv(SIGNING_KEY_FILE, str(tmp_path / "new.pem"))
    after.write(CONTENT)
    (tmp_path / "trusted").write_text(f"# both\n{public_text(key)}\n\n{public_text(new)}\n")
    monkeypatch.setenv(TRUSTED_KEYS, str(tmp_path / "trusted"))
    assert before.read() == after.read() == CONTENT
    monkeypatch.setenv(TRUSTED_KEYS, public_text(new))
    assert after.read() == CONTENT
    with pytest.raises(SignatureError, match="not trusted"):
        before.read()
    before.sign(new)
    assert before.read() == CONTENT


@pytest.mark.usefixtures("key")
def test_a_signature_stays_with_its_content_and_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = manifest(tmp_path)
    file.write(CONTENT)
    signed = file.signature_path.read_bytes()
    monkeypatch.delenv(SIGNING_KEY_FILE)
    file.write(CONTENT)
    assert file.signature_path.read_bytes() == signed
    file.write(b"{}")
    assert not file.signature_path.exists()


def test_a_private_key_that_others_may_read_is_refused_and_none_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signing.pem"
    key = create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="never overwritten"):
        create_key(path)
    monkeypatch.setenv(SIGNING_KEY_FILE, str(path))
    found = signing_key()
    assert found is not None
    assert public_text(found) == public_text(key)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        signing_key()
    monkeypatch.delenv(SIGNING_KEY_FILE)
    monkeypatch.setenv(SIGNING_KEY, path.read_text())
    assert signing_key() is not None
    monkeypatch.setenv(SIGNING_KEY, "secret words")
    with pytest.raises(ConfigError, match="no Ed25519 key") as caught:
        signing_key()
    assert "secret words" not in str(caught.value)


@pytest.mark.parametrize("listed", ["ed25519:AAAA", "ed25519:!", "no-such-file", "ssh-ed25519 AAAA", ","])
def test_trusted_keys_that_cannot_be_understood_never_mean_none(
    listed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRUSTED_KEYS, listed)
    with pytest.raises(ConfigError):
        trusted_keys()
