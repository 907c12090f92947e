from __future__ import annotations

import io
import json
import shutil
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recsys.channels.contents import content_hash
from recsys.channels.image_encoder import ImageEncoder, image_dim
from recsys.channels.image_folder import image_encoder_version, verify_image_folder
from recsys.channels.images import open_image
from recsys.channels.locating import locate, reference_of
from recsys.config import ImageEncoderConfig, MediaLimits
from recsys.errors import EncoderError, UnreadableFileError
from tests.tiny_encoders import TINY_DIM, tiny_siglip
from tests.unit.channels.pictures import picture, save_picture

LIMITS = MediaLimits(max_pixels=10_000, max_image_bytes=50_000)


def refusal(path: Path) -> str:
    with pytest.raises(UnreadableFileError) as refused:
        open_image(path, LIMITS)
    return refused.value.what


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "CMYK", "1"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    picture(1).convert(mode).save(path)
    assert open_image(path, LIMITS).mode == "RGB"


def test_transparency_becomes_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "x.png")
    assert open_image(tmp_path / "x.png", LIMITS).getpixel((0, 0)) == (255, 255, 255)


def test_a_cut_off_picture_is_broken(tmp_path: Path) -> None:
    path = save_picture(tmp_path / "x.jpg", 1)
    path.write_bytes(path.read_bytes()[:-200])
    assert refusal(path) == "broken_image"


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (50_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9_000))
    (tmp_path / "bomb.png").write_bytes(bomb + chunk(b"IEND", b""))
    assert refusal(tmp_path / "bomb.png") in ("broken_image", "too_large")  # Pillow's own guard comes first
    Image.new("RGB", (101, 100)).save(tmp_path / "wide.png")
    assert refusal(tmp_path / "wide.png") == "too_large"


def test_large_files_absent_ones_and_other_formats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(b"x" * 50_001)
    assert refusal(tmp_path / "large.png") == "too_large"
    assert refusal(tmp_path / "absent.png") == "broken_image"
    picture(1).save(tmp_path / "x.tiff")
    shutil.move(tmp_path / "x.tiff", tmp_path / "x.png")  # what it is decides, not its name
    assert refusal(tmp_path / "x.png") == "broken_image"
    (tmp_path / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert refusal(tmp_path / "x.svg") == "broken_image"


@settings(max_examples=40, deadline=None)
@given(
    place=st.integers(0, 2_000), byte=st.integers(0, 255), kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP"])
)
def test_a_changed_byte_never_does_more_than_refuse(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int, kind: str
) -> None:
    content = io.BytesIO()
    picture(2).save(content, kind)
    raw = bytearray(content.getvalue())
    raw[place % len(raw)] = byte
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(raw)
    with suppress(UnreadableFileError):
        assert open_image(path, LIMITS).mode == "RGB"


def test_a_reference_leads_to_a_file_of_the_folder_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    inside = save_picture(folder / "a/b c.png", 1)
    save_picture(tmp_path / "secret.png", 1)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    assert locate("a/b c.png", folder) == inside
    assert locate("https://shop.example/a/b%20c.png?v=2", folder) == inside
    save_picture(folder / "b.png", 1)
    assert locate("https://cdn.example/x/y/b.png", folder) == folder / "b.png"
    for elsewhere in ("../secret.png", "link.png", str(tmp_path / "secret.png"), "https://h/../secret.png"):
        with pytest.raises(UnreadableFileError) as refused:
            locate(elsewhere, folder)
        assert refused.value.what in ("outside_folder", "missing_file")
    for absent in ("none.png", "x" * 3_000, "a\0b", "https://", "http://[broken"):
        with pytest.raises(UnreadableFileError, match="missing_file"):
            locate(absent, folder)


def test_references_stand_in_the_item() -> None:
    assert reference_of({"image_url": "x.png"}, "image") == "x.png"
    assert reference_of({"image_url": "", "attributes": None}, "image") is None
    assert reference_of({"attributes": [("video", "x.mp4")]}, "video") == "x.mp4"
    assert reference_of({"attributes": {"colour": "red"}}, "video") is None


def test_a_content_is_named_by_its_bytes(tmp_path: Path) -> None:
    first, copy = save_picture(tmp_path / "1.png", 1), save_picture(tmp_path / "2.png", 1)
    assert content_hash(first) == content_hash(copy)
    assert content_hash(first) != content_hash(save_picture(tmp_path / "3.png", 2))
    assert len(content_hash(tmp_path)) == 32
    with pytest.raises(UnreadableFileError, match="missing_file"):
        content_hash(tmp_path / "absent")


@pytest.fixture(scope="module")
def siglip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_siglip(tmp_path_factory.mktemp("encoders") / "siglip")


@pytest.mark.parametrize(("name", "width"), [("tiny_clip", TINY_DIM), ("siglip", 48)])
def test_pictures_become_unit_vectors_each_by_itself(
    name: str, width: int, request: pytest.FixtureRequest
) -> None:
    config = ImageEncoderConfig(source=str(request.getfixturevalue(name)), batch_images=2)
    encoder = ImageEncoder.load(config)
    assert encoder.dim == image_dim(verify_image_folder(config)) == width
    pictures = [picture(seed, size) for seed, size in enumerate([(40, 30), (30, 90), (1, 1), (3, 200)])]
    vectors = encoder.encode(pictures)
    assert vectors.shape == (4, width)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(pictures[::-1])[::-1], vectors, atol=1e-5)
    assert encoder.encode([]).shape == (0, width)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_a_whole_clip_gives_what_transformers_gives(tiny_clip: Path) -> None:
    import torch
    from transformers import CLIPImageProcessorPil, CLIPModel

    pixels = CLIPImageProcessorPil.from_pretrained(tiny_clip)(picture(1), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        found = CLIPModel.from_pretrained(tiny_clip).eval().get_image_features(pixel_values=pixels)
    oracle = torch.nn.functional.normalize(getattr(found, "pooler_output", found), dim=1).numpy()
    ours = ImageEncoder.load(ImageEncoderConfig(source=str(tiny_clip))).encode([picture(1)])
    np.testing.assert_allclose(ours, oracle, atol=1e-5)


def test_a_version_names_weights_and_preprocessing(tiny_clip: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(tiny_clip, tmp_path / "tiny-clip")
    before = image_encoder_version(verify_image_folder(ImageEncoderConfig(source=str(tiny_clip))))
    config = ImageEncoderConfig(source=str(changed))
    assert image_encoder_version(verify_image_folder(config)) == before
    settings_file = changed / "preprocessor_config.json"
    settings_file.write_text(json.dumps(json.loads(settings_file.read_text()) | {"do_center_crop": False}))
    assert image_encoder_version(verify_image_folder(config)) != before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "modeling.py").write_text("boom"),
        lambda folder: (folder / "preprocessor_config.json").write_text(
            '{"auto_map": {"AutoImageProcessor": "x"}}'
        ),
        lambda folder: (folder / "preprocessor_config.json").unlink(),
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        lambda folder: (folder / "model.safetensors").write_bytes(b"\x10"),
        lambda folder: (folder / "config.json").write_text("{}"),
    ],
)
def test_a_folder_that_is_not_whole_and_plain_is_refused(
    tiny_clip: Path, tmp_path: Path, spoil: object
) -> None:
    folder = shutil.copytree(tiny_clip, tmp_path / "spoilt")
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(EncoderError):
        ImageEncoder.load(ImageEncoderConfig(source=str(folder)))


def test_a_name_of_a_hub_is_not_looked_up() -> None:
    with pytest.raises(EncoderError, match="local folder"):
        verify_image_folder(ImageEncoderConfig(source="openai/clip-vit-base-patch32"))
