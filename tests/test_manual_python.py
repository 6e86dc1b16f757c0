"""What the manual's page for Python shows works as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest
from manual import blocks, run_blocks


@pytest.mark.long
def test_the_page_for_python_leads_from_zero_to_a_prediction(tmp_path: Path) -> None:
    client, load = blocks("python.md", "python")
    said = run_blocks(
        "python.md",
        tmp_path,
        before={
            2: lambda at: (at / "example.py").write_text(client, encoding="utf-8"),
            4: lambda at: (at.parent / "load.py").write_text(load, encoding="utf-8"),
        },
    )
    assert said.count("recorded answers of the pipeline come out here") == 1
    assert "late: True 0.74" in said
    assert "minutes late" in said
    assert [path.suffix for path in (tmp_path / "arrives-late" / "dist").iterdir()] == [".whl"]
