"""What a trained encoder says of itself, beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from recsys.encoder.folder import verify
from recsys.encoder.version import content_digest
from recsys.errors import SignatureError
from recsys.signing import ManifestFile, signing_key, trusted_keys
from recsys.workspace import Workspace, leads_inside, replace_file

CARD = "card.json"


def read_card(folder: Path) -> dict[str, Any] | None:
    """What `write_card` wrote for machines; None for an encoder that was not trained here.

    Raises `SignatureError` when keys are trusted and none of them signed it for these very weights.
    """
    if not (folder / CARD).is_file():
        return None
    return cast("dict[str, Any]", json.loads(card_file(folder).read()))


def card_file(folder: Path) -> ManifestFile:
    """Where an encoder's card lies. It is signed for the folder's content, wherever that is moved to."""
    name = content_digest(verify(folder)) if trusted_keys() or signing_key() else ""
    return ManifestFile(folder / CARD, "card", name)


def require_card(workspace: Workspace, folder: Path) -> None:
    """Raise `SignatureError` where keys are trusted and an encoder of the workspace has no signed card."""
    inside = leads_inside(folder, workspace.encoders)
    if trusted_keys() and inside and read_card(folder) is None:
        raise SignatureError("an encoder has no card", expected=f"{CARD}, signed", where=str(folder))


def _judged(facts: Mapping[str, Any]) -> str:
    by = facts.get("judged_by", "held-out events")
    return "text signal alone, full catalogue, seen hidden" if by == "held-out events" else str(by)


def write_card(folder: Path, facts: Mapping[str, Any], curve: Sequence[Mapping[str, float]]) -> None:
    """`README.md` for people and `card.json` for machines, signed where a key is, in the encoder's folder."""
    card_file(folder).write(json.dumps({**facts, "curve": list(curve)}, indent=1).encode())
    rows = [f"| {name.replace('_', ' ')} | {value} |" for name, value in facts.items()]
    figures = [f"| {row['epoch']:.0f} | {row['ndcg@10']:.4f} | {row['auc']:.4f} |" for row in curve]
    text = [
        "# Fine-tuned text encoder",
        "",
        f"Made from a shop's own {facts.get('learned_from', 'events')}; it knows item texts, no shopper.",
        "",
        "| | |",
        "|---|---|",
        *rows,
        "",
        f"Validation by epoch (0 is the untrained encoder; {_judged(facts)}):",
        "",
        "| epoch | NDCG@10 | pair AUC |",
        "|---|---|---|",
        *figures,
    ]
    replace_file(folder / "README.md", ("\n".join(text) + "\n").encode())
