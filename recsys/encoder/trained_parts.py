"""What `recsys train` adds beside a backbone's own weights: a head after it, a prompt before it."""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel

from recsys.encoder.folder import HEAD, PROMPT, EncoderFolder
from recsys.errors import EncoderError


def load_head(folder: EncoderFolder) -> torch.Tensor | None:
    """The head `[D, D] float32` of a folder, None without one. Raises `EncoderError` for a misfit."""
    return _part(folder, HEAD, "weight", None)


def load_prompt(folder: EncoderFolder, model: PreTrainedModel) -> torch.Tensor | None:
    """The prompt `[V, D] float32` of a folder on the model's device, None without one.

    Raises `EncoderError` for one that does not fit the backbone.
    """
    prompt = _part(folder, PROMPT, "prompt", int(model.get_input_embeddings().weight.shape[1]))
    return None if prompt is None else prompt.to(model.device)


def token_states(
    model: PreTrainedModel, ids: torch.Tensor, real: torch.Tensor, prompt: torch.Tensor | None
) -> torch.Tensor:
    """`[B, L, D]` states of the text's own tokens; the prompt is read by them, not pooled."""
    if prompt is None:
        return model(input_ids=ids, attention_mask=real).last_hidden_state  # type: ignore[no-any-return]
    words = model.get_input_embeddings()(ids)
    leading = prompt.expand(len(ids), -1, -1).to(words)
    mask = torch.cat([torch.ones(leading.shape[:2]).to(real), real], dim=1)
    states = model(inputs_embeds=torch.cat([leading, words], dim=1), attention_mask=mask).last_hidden_state
    return states[:, leading.shape[1] :]  # type: ignore[no-any-return]


def _part(folder: EncoderFolder, name: str, key: str, width: int | None) -> torch.Tensor | None:
    file = next((file for file in folder.trained if file.name == name), None)
    if file is None:
        return None
    part = load_file(file).get(key)
    fits = part is not None and part.ndim == 2 and part.shape[1] == (width or part.shape[0])
    if part is None or not fits or not torch.isfinite(part).all():
        raise EncoderError(
            f"{name} does not fit the backbone",
            expected=f"finite {key} of width {width or 'D'}",
            found="none" if part is None else str(tuple(part.shape)),
            where=str(folder.path),
        )
    return part.float()
