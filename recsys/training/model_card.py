"""What a trained encoder says of itself, beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from recsys.workspace import replace_file


def read_card(folder: Path) -> dict[str, Any] | None:
    """What `write_card` wrote for machines; None for an encoder that was not trained here."""
    path = folder / "card.json"
    if not path.is_file():
        return None
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def write_card(folder: Path, facts: Mapping[str, Any], curve: Sequence[Mapping[str, float]]) -> None:
    """`README.md` for people and `card.json` for machines, in the encoder's folder."""
    replace_file(folder / "card.json", json.dumps({**facts, "curve": list(curve)}, indent=1).encode())
    rows = [f"| {name.replace('_', ' ')} | {value} |" for name, value in facts.items()]
    figures = [f"| {row['epoch']:.0f} | {row['ndcg@10']:.4f} | {row['auc']:.4f} |" for row in curve]
    text = [
        "# Fine-tuned text encoder",
        "",
        "Made from a shop's own events; it knows item texts only, no shopper.",
        "",
        "| | |",
        "|---|---|",
        *rows,
        "",
        "Validation by epoch (0 is the untrained encoder; text signal alone, full catalogue, seen hidden):",
        "",
        "| epoch | NDCG@10 | pair AUC |",
        "|---|---|---|",
        *figures,
    ]
    replace_file(folder / "README.md", ("\n".join(text) + "\n").encode())
