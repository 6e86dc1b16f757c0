"""What the manual's page for C# shows works as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest
from manual import blocks, run_blocks
from toolchains import demand

from onnxtwin.runtime_checks.csharp import absent


@pytest.mark.long
@pytest.mark.xdist_group("csharp")
def test_the_page_for_csharp_leads_from_zero_to_a_prediction(tmp_path: Path) -> None:
    demand("csharp", absent())
    (project,), (program,) = blocks("csharp.md", "xml"), blocks("csharp.md", "csharp")

    def example(at: Path) -> None:
        (at / "example").mkdir()
        (at / "example" / "Example.csproj").write_text(project, encoding="utf-8")
        (at / "example" / "Program.cs").write_text(program, encoding="utf-8")

    said = run_blocks("csharp.md", tmp_path, before={2: example})
    assert "recorded answers of the pipeline come out here" in said
    assert "late: True, probability 0.741" in said
    assert [path.suffix for path in (tmp_path / "ArrivesLate" / "packages").iterdir()] == [".nupkg"]
