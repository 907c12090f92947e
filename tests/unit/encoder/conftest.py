from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_encoders import tiny_gpt2, tiny_t5


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> dict[str, Path]:
    """A folder of each supported family; never written to."""
    root = tmp_path_factory.mktemp("families")
    return {"bert": tiny_bert, "t5": tiny_t5(root / "t5"), "gpt2": tiny_gpt2(root / "gpt2")}
