"""What is minimised: contrast within a batch, or right and wrong pairs told apart."""

from __future__ import annotations

import torch
from torch.nn import functional


def info_nce(
    anchors: torch.Tensor,
    positives: torch.Tensor,
    log_q: torch.Tensor,
    allowed: torch.Tensor,
    temperature: float,
    hard: torch.Tensor | None = None,
) -> torch.Tensor:
    """Symmetric InfoNCE over in-batch negatives; a scalar.

    `anchors`, `positives` `[B, D]` unit rows; `log_q` `[B]` log frequency of each positive, which is
    subtracted from its logit since frequent items are met as negatives too often (Yi et al. 2019);
    `allowed` `[B, B] bool` is false where a negative is none (the diagonal is always allowed); `hard`
    `[B, H, D]` more negatives for each anchor, not corrected, since they are not drawn by frequency.
    """
    logits = anchors @ positives.T / temperature
    blocked = ~(allowed | torch.eye(len(logits), dtype=torch.bool, device=logits.device))
    lowest = torch.finfo(logits.dtype).min
    forward = (logits - log_q[None, :]).masked_fill(blocked, lowest)
    if hard is not None:
        more = torch.einsum("bd,bhd->bh", anchors, hard) / temperature
        forward = torch.cat([forward, more - log_q.mean()], dim=1)
    target = torch.arange(len(logits), device=logits.device)
    backward = logits.T.masked_fill(blocked.T, lowest)
    return (functional.cross_entropy(forward, target) + functional.cross_entropy(backward, target)) / 2.0


def pair_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy of `[B]` logits and `[B]` labels 0 or 1."""
    return functional.binary_cross_entropy_with_logits(logits, labels)
