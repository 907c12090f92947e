"""How much of a catalog's texts an encoder's vocabulary knows at all."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.config import EncoderConfig
from recsys.encoder.backbone import load_tokenizer
from recsys.encoder.folder import verify
from recsys.encoder.sources import resolve
from recsys.words import scripts_of

TOO_UNKNOWN = 0.1
"""Share of unknown tokens from which items of such texts can no longer be told apart well."""


def unknown_share(config: EncoderConfig, texts: Sequence[str]) -> float:
    """Share of the texts' tokens that the encoder takes for unknown, 0 for none and for byte vocabularies.

    Only the tokenizer is loaded. Raises `EncoderError`.
    """
    tokenizer = load_tokenizer(verify(resolve(config.source)))
    if tokenizer.unk_token_id is None:
        return 0.0
    encoded = tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    ids = [token for one in encoded for token in one.ids]
    return ids.count(tokenizer.unk_token_id) / len(ids) if ids else 0.0


def coverage_warning(config: EncoderConfig, texts: Sequence[str]) -> str | None:
    """What to say of an encoder that does not know the language of the texts; None where it does."""
    share = unknown_share(config, texts)
    if share < TOO_UNKNOWN:
        return None
    scripts = ", ".join(f"{name} {part:.0%}" for name, part in list(scripts_of(texts).items())[:3])
    return (
        f"{share:.0%} of the tokens of {len(texts)} texts ({scripts or 'no letters'}) are unknown to this "
        "encoder, which cannot tell such items apart: take --encoder with a folder for their language"
    )
