"""Pictures in, unit vectors out: CLIP, SigLIP and plain vision networks of a verified local folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    CLIPVisionModelWithProjection,
    PreTrainedModel,
    SiglipVisionModel,
)

from recsys.channels.image_folder import image_encoder_version, verify_image_folder
from recsys.config import ImageEncoderConfig
from recsys.encoder.backbone import load_backbone, quiet_transformers, refused
from recsys.encoder.folder import EncoderFolder
from recsys.encoder.network import device_of
from recsys.encoder.pooling import unit_rows
from recsys.errors import EncoderError

PICTURE_HALVES: dict[str, Any] = {
    "clip": CLIPVisionModelWithProjection,
    "clip_vision_model": CLIPVisionModelWithProjection,
    "siglip": SiglipVisionModel,
    "siglip_vision_model": SiglipVisionModel,
}
"""Architectures of which only the picture's half is built; all others go through AutoModel."""
_FAULTS = (AttributeError, ImportError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError)


class ImageEncoder:
    """A loaded image encoder."""

    version: str
    """Name of the space; the same as `image_encoder_version` of its folder."""
    dim: int
    """Width W of the vectors."""

    def __init__(
        self, config: ImageEncoderConfig, folder: EncoderFolder, model: PreTrainedModel, processor: Any
    ) -> None:
        self.version = image_encoder_version(folder)
        self._model, self._processor = model, processor
        self._batch, self._where = config.batch_images, str(folder.path)
        try:
            self.dim = int(self._forward([Image.new("RGB", (8, 8))]).shape[1])
        except _FAULTS as error:
            raise refused("the network does not turn pictures into vectors", folder, error) from error

    @classmethod
    def load(cls, config: ImageEncoderConfig) -> Self:
        """Verify the folder, load it, and try it once. Raises `EncoderError`, `ConfigError`."""
        folder = verify_image_folder(config)
        if config.num_threads:
            torch.set_num_threads(config.num_threads)
        kind = PICTURE_HALVES.get(folder.config["model_type"], AutoModel)
        model = load_backbone(folder, device_of(config.device), kind, config=_picture_config(folder))
        try:
            with quiet_transformers():
                processor = AutoImageProcessor.from_pretrained(
                    folder.path, trust_remote_code=False, local_files_only=True
                )
        except _FAULTS as error:
            raise refused("the preprocessing cannot be loaded", folder, error) from error
        return cls(config, folder, model, processor)

    def encode(self, images: Sequence[Image.Image]) -> np.ndarray:
        """`[N, W] float32`, unit rows, in the given order; `[0, W]` for none.

        Raises `EncoderError` if the network yields NaN or infinity.
        """
        batches = [images[start : start + self._batch] for start in range(0, len(images), self._batch)]
        found = [unit_rows(self._forward(batch)).cpu().numpy() for batch in batches]
        vectors = np.concatenate([np.empty((0, self.dim), np.float32), *found])
        if not np.isfinite(vectors).all():
            raise EncoderError(
                "the image encoder yields NaN or infinity", expected="finite vectors", where=self._where
            )
        return vectors

    @torch.inference_mode()
    def _forward(self, images: Sequence[Image.Image]) -> torch.Tensor:
        # Named, since a picture one or three pixels high would be taken for one with its channels first.
        pixels = self._processor(images=list(images), return_tensors="pt", input_data_format="channels_last")[
            "pixel_values"
        ]
        return _pooled(self._model(pixel_values=pixels.to(self._model.device))).float()


def image_dim(folder: EncoderFolder) -> int:
    """Width W of a folder's vectors by its config; weights are not read. Raises `EncoderError`."""
    config, is_clip = _picture_config(folder), folder.config["model_type"].startswith("clip")
    widths = [config.projection_dim] if is_clip else getattr(config, "hidden_sizes", None)
    width = (widths or [getattr(config, "hidden_size", None)])[-1]
    if not isinstance(width, int) or width < 1:
        raise EncoderError("config.json states no width", expected="hidden_size", where=str(folder.path))
    return width


def _picture_config(folder: EncoderFolder) -> Any:
    """The config of the picture's half; a whole CLIP says outside of it how wide its projection is."""
    try:
        with quiet_transformers():
            config = AutoConfig.from_pretrained(folder.path, trust_remote_code=False, local_files_only=True)
    except _FAULTS as error:
        raise refused("the image encoder's config cannot be read", folder, error) from error
    half = getattr(config, "vision_config", config)
    if folder.config["model_type"] == "clip":
        half.projection_dim = config.projection_dim
    return half


def _pooled(output: Any) -> torch.Tensor:
    """`[B, W]`: the projected picture; the attention pool of SigLIP; the first state; a map's mean."""
    if getattr(output, "image_embeds", None) is not None:
        return output.image_embeds  # type: ignore[no-any-return]
    states: torch.Tensor = output.last_hidden_state
    if states.ndim == 4:
        return states.mean(dim=(2, 3))
    pooled = getattr(output, "pooler_output", None)
    return states[:, 0] if pooled is None else pooled
