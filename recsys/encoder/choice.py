"""Which backend and precision run an encoder: what fits together, and which measured pair is taken."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from pydantic import Field

from recsys.config import Backend, Config, EncoderConfig, Precision, Share
from recsys.errors import ConfigError

EXTRAS = {Backend.OPENVINO: "openvino"}
"""Backends that an extra of this product installs."""
PRECISIONS = {
    Backend.TORCH: (Precision.FP32, Precision.BF16, Precision.FP16),
    Backend.ONNX: (Precision.FP32, Precision.INT8),
    Backend.OPENVINO: (Precision.FP32, Precision.BF16),
}
"""What each backend computes with."""


class EncodingRecord(Config):
    """A backend and precision with how near their vectors come to those of torch in fp32."""

    backend: Backend
    """Library that runs the network."""
    precision: Precision
    """Numbers it computes with."""
    texts: int = Field(ge=0)
    """Texts of the catalog that were measured; 0 when nothing was."""
    texts_per_s: float = Field(default=0.0, ge=0.0)
    """Median texts a second over the turns."""
    agreement: Share = 1.0
    """Mean share of fp32's ten nearest neighbours among these texts that are found."""
    min_cosine: float = 1.0
    """Least cosine of a text's two vectors."""
    mean_cosine: float = 1.0
    """Mean cosine of a text's two vectors."""


def settled(config: EncoderConfig) -> EncoderConfig:
    """`config` with `auto` replaced by what needs no measurement: fp32, and torch or what int8 needs.

    Raises `ConfigError` for a backend that does not have the precision, or is not installed.
    """
    precision = Precision.FP32 if config.precision is Precision.AUTO else config.precision
    backend = config.backend
    if backend is Backend.AUTO:
        backend = Backend.ONNX if precision is Precision.INT8 else Backend.TORCH
    if precision not in PRECISIONS[backend]:
        raise ConfigError(
            f"backend {backend} does not compute in this precision",
            expected=", ".join(PRECISIONS[backend]),
            found=precision,
        )
    return config.model_copy(update={"backend": backend, "precision": precision})


def require_installed(backend: Backend) -> None:
    """Raise `ConfigError` naming the extra when a backend's library is absent."""
    if not is_installed(backend):
        extra = EXTRAS[backend]
        raise ConfigError(
            f"backend {backend} is not installed", expected=f"pip install 'recsys-on-ray[{extra}]'"
        )


def is_installed(backend: Backend) -> bool:
    """Whether the library of a backend can be imported; nothing is imported."""
    extra = EXTRAS.get(backend)
    return extra is None or find_spec(extra) is not None


def candidates(config: EncoderConfig, cuda: bool) -> list[EncoderConfig]:
    """Every installed pair that `config` leaves open, torch in fp32 first where it is among them."""
    reduced = Precision.FP16 if cuda else Precision.INT8
    pairs = [
        (backend, precision)
        for backend, precisions in PRECISIONS.items()
        for precision in precisions
        if is_installed(backend) and (backend is Backend.TORCH or not cuda)
        if precision in (Precision.FP32, Precision.BF16, reduced)
        if config.backend in (Backend.AUTO, backend) and config.precision in (Precision.AUTO, precision)
    ]
    return [config.model_copy(update={"backend": backend, "precision": p}) for backend, p in pairs]


def fastest(measured: Sequence[EncodingRecord], min_agreement: float) -> EncodingRecord | None:
    """The fastest that agrees with fp32 at least so much; None when none does.

    Of equally fast ones the first is taken.
    """
    good = [record for record in measured if record.agreement >= min_agreement]
    return max(good, key=lambda record: record.texts_per_s, default=None)
