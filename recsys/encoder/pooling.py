"""From token states to one unit vector a text."""

from __future__ import annotations

import torch

from recsys.config import Pooling


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """`[B, L, D]` token states and `[B, L]` mask (1 real, 0 padding) -> `[B, D]`.

    Padding may stand on either side; each row has at least one real token.
    """
    if pooling is Pooling.MEAN:
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)
    positions = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    absent = mask == 0
    if pooling is Pooling.CLS:
        chosen = positions.masked_fill(absent, mask.shape[1]).min(dim=1).values
    else:
        chosen = positions.masked_fill(absent, -1).max(dim=1).values
    return states[torch.arange(len(states), device=states.device), chosen]


def unit_rows(vectors: torch.Tensor) -> torch.Tensor:
    """`[B, D]` rows scaled to norm 1; a row of zeros becomes the first axis, so a unit row too.

    A row with NaN or infinity stays NaN, for the caller to refuse.
    """
    # Scaling by the largest entry first keeps the norm of very large rows finite.
    scaled = vectors / vectors.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(vectors.dtype).tiny)
    norms = scaled.norm(dim=1, keepdim=True)
    first_axis = torch.zeros_like(vectors)
    first_axis[:, 0] = 1.0
    return torch.where(norms == 0, first_axis, scaled / norms)
