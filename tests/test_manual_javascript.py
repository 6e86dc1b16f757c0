"""What the manual's pages for JavaScript show works as it stands there."""

import pytest
from manual import blocks, run_blocks
from toolchains import demand

from onnxtwin.runtime_checks import browser, node


@pytest.mark.long
@pytest.mark.xdist_group("typescript")
def test_the_page_for_javascript_leads_from_zero_to_a_prediction(tmp_path):
    demand("node", node.absent())
    demand("browser", browser.absent())
    (example,) = blocks("javascript.md", "js")
    said = run_blocks(
        "javascript.md", tmp_path, before={2: lambda at: (at / "example.mjs").write_text(example)}
    )
    assert "# fail 0" in said
    assert "recorded answers of the pipeline come out here" in said
    assert "{ false: 0." in said
    assert "example.mjs" in {file.name for file in (tmp_path / "arrives-late").iterdir()}


@pytest.mark.long
@pytest.mark.xdist_group("browser")
def test_the_page_of_the_playground_writes_one(tmp_path):
    demand("browser", browser.absent())
    run_blocks("playground.md", tmp_path)
    assert (tmp_path / "page" / "index.html").is_file()
