"""Text -> unit embeddings. `encoder_version` is cheap; touching `TextEncoder` imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recsys.encoder.version import embedding_dim, encoder_version

if TYPE_CHECKING:
    from recsys.encoder.text_encoder import TextEncoder

__all__ = ["TextEncoder", "embedding_dim", "encoder_version"]


def __getattr__(name: str) -> Any:
    """`TextEncoder` on first use, so that asking for a version does not pay for torch."""
    if name != "TextEncoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from recsys.encoder.text_encoder import TextEncoder

    return TextEncoder
