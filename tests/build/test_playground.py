"""The playground: its folder, and the page in real Chromium."""

import json
import re
import shutil

import numpy as np
import pytest
from pages import browse
from toolchains import demand
from typer.testing import CliRunner

from artifacts import ARTIFACTS, ROOT, sample
from onnxtwin.build import artifact as artifacts
from onnxtwin.build.manifest import make_manifest
from onnxtwin.build.playground import ONNXRUNTIME_WEB, write_playground
from onnxtwin.cli import app
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.runtime_checks import browser

pytestmark = pytest.mark.xdist_group("browser")

LATE = ROOT / "artifacts" / "flights" / "arrives_late"
DELAY = ROOT / "artifacts" / "flights" / "arrival_delay"


@pytest.fixture
def web(tmp_path):
    """A folder with files of the names of onnxruntime-web's."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in ONNXRUNTIME_WEB:
        (folder / name).write_bytes(b"stands for the real one")
    return folder


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A playground by its artifact's name, each made once."""
    demand("browser", browser.absent())
    made = {}

    def get(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("pages") / name
            made[name] = write_playground(sample(name).folder, folder, browser.onnxruntime_web())
        return made[name]

    return get


class TestTheFolder:
    def test_it_holds_the_page_the_artifact_and_the_runtime(self, web, tmp_path):
        folder = write_playground(LATE, tmp_path / "page", web)
        assert (folder / "model" / "model.onnx").read_bytes() == (LATE / "model.onnx").read_bytes()
        assert {file.name for file in (folder / "ort").iterdir()} == set(ONNXRUNTIME_WEB)
        assert "<h1>Arrives late</h1>" in (folder / "index.html").read_text("utf-8")

    def test_a_title_is_text_and_not_markup(self, web, tmp_path):
        folder = write_playground(LATE, tmp_path / "page", web, title="<b>Late & early</b>")
        assert "<h1>&lt;b&gt;Late &amp; early&lt;/b&gt;</h1>" in (folder / "index.html").read_text("utf-8")

    def test_it_names_no_other_server(self, web, tmp_path):
        folder = write_playground(LATE, tmp_path / "page", web)
        ours = [file for file in folder.iterdir() if file.suffix in (".html", ".js", ".css")]
        text = "".join(file.read_text("utf-8") for file in ours)
        assert set(re.findall(r"https?://[^\s\"')”]+", text)) == {"http://localhost:8000"}

    def test_an_artifact_without_recorded_rows_is_refused(self, web, tmp_path):
        bare = tmp_path / "bare"
        shutil.copytree(LATE, bare)
        (bare / "vectors.json").unlink()
        (bare / "manifest.json").unlink()
        (bare / "manifest.json").write_text(json.dumps(make_manifest(bare)))
        with pytest.raises(ArtifactError, match="no recorded rows"):
            write_playground(bare, tmp_path / "page", web)

    def test_somebody_elses_folder_is_left_alone(self, web, tmp_path):
        (tmp_path / "page").mkdir()
        (tmp_path / "page" / "thesis.txt").write_text("mine")
        with pytest.raises(ArtifactError, match="left alone"):
            write_playground(LATE, tmp_path / "page", web)
        assert [file.name for file in (tmp_path / "page").iterdir()] == ["thesis.txt"]


def test_the_command_writes_a_page_that_verifies_itself_and_asks_nobody_else(tmp_path):
    demand("browser", browser.absent())
    done = CliRunner().invoke(app, ["playground", str(LATE), "-o", str(tmp_path / "page")])
    assert done.exit_code == 0, done.output
    found = browse(tmp_path / "page")
    rows = len(artifacts.read(LATE).vectors)
    assert found["state"] == "good"
    assert f"all {rows} recorded answers" in found["verdict"]
    assert found["complaints"] == []
    assert all(url.startswith(found["origin"]) for url in found["asked"])


@pytest.mark.long
class TestThePage:
    @pytest.mark.parametrize("name", ARTIFACTS)
    def test_it_verifies_itself_and_fits_a_phone_with_a_label_at_every_control(self, pages, name):
        body = """
        return page.evaluate(() => ({
          width: document.documentElement.scrollWidth,
          nameless: [...document.querySelectorAll("#form input, #form select, #form textarea, .start select")]
            .filter((one) => !one.labels?.length && !one.ariaLabel && one.ariaHidden !== "true").length,
          shown: document.querySelector("#output").textContent.trim(),
        }));
        """
        viewport = {"width": 360, "height": 740}
        found = browse(pages(name), body, viewport=viewport, colorScheme="dark")
        assert found["state"] == "good", found["verdict"]
        assert found["complaints"] == []
        assert found["said"]["width"] <= 360
        assert found["said"]["nameless"] == 0
        assert found["said"]["shown"]

    def test_it_answers_what_the_pipeline_answers_as_one_types(self, pages):
        body = """
        await field("Sched dep time").fill("1745");
        await field("Carrier").selectOption("UA");
        await field("Wind gust").fill("");
        await settled();
        return page.getAttribute("#output .big", "title");
        """
        found = browse(pages("arrival_delay"), body)
        artifact = artifacts.read(DELAY)
        tensors = {name: array[:1].copy() for name, array in artifact.vectors.inputs.items()}
        tensors |= {"sched_dep_time": np.array([[1745]]), "carrier": np.array([["UA"]], dtype=object)}
        tensors |= {"wind_gust": np.array([[np.nan]])} if "wind_gust" in tensors else {}
        with artifact.session() as session:
            expected = session.run_tensors(tensors)["predict"]
        np.testing.assert_allclose(float(found["said"]), expected[0], rtol=1e-9, atol=1e-9)

    def test_every_recorded_row_can_be_started_from(self, pages):
        body = """
        const shown = [];
        for (let row = 0; row < 12; row += 1) {
          shown.push(await page.textContent("#output .big"));
          await page.click("#next");
          await settled();
        }
        return shown;
        """
        labels = artifacts.read(sample("multi_class").folder).vectors.outputs["predict"][:12].tolist()
        assert browse(pages("multi_class"), body)["said"] == labels

    def test_a_value_that_is_needed_or_wrong_is_named_at_its_field(self, pages):
        body = """
        const problem = async (text) => {
          await field("Sched dep time").fill(text);
          await settled();
          const invalid = await field("Sched dep time").getAttribute("aria-invalid");
          const said = await page.textContent(".problem:not([hidden])");
          return [said, invalid, await page.textContent("#output")];
        };
        return [await problem(""), await problem("noon"), await problem("99999999999999999999")];
        """
        for problem, invalid, shown in browse(pages("arrives_late"), body)["said"]:
            assert problem
            assert invalid == "true"
            assert shown == "Complete the marked fields."

    def test_a_row_that_the_pipeline_refuses_has_no_answer(self, pages):
        body = """
        await field("Amount").fill("0");
        await settled();
        return page.textContent("#output");
        """
        assert browse(pages("dates_and_text"), body)["said"].startswith("The model has no answer: ")

    def test_dates_stay_exact_until_they_are_edited(self, pages):
        body = """
        const recorded = await page.getAttribute("#output .big", "title");
        await field("Ordered at").fill("2022-03-27T01:00:00");
        await settled();
        return [recorded, await page.getAttribute("#output .big", "title")];
        """
        artifact = artifacts.read(sample("dates_and_text").folder)
        recorded, edited = map(float, browse(pages("dates_and_text"), body)["said"])
        tensors = {name: array[:1].copy() for name, array in artifact.vectors.inputs.items()}
        tensors["ordered_at"][:] = np.datetime64("2022-03-27T01:00:00", "us").astype(np.int64)
        with artifact.session() as session:
            expected = session.run_tensors(tensors)["predict"][0]
        np.testing.assert_allclose(recorded, artifact.vectors.outputs["predict"][0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(edited, expected, rtol=1e-9, atol=1e-9)

    def test_a_wrong_graph_is_not_to_be_used(self, pages, tmp_path):
        folder = tmp_path / "page"
        shutil.copytree(pages("forest"), folder)
        vectors = json.loads((folder / "model" / "vectors.json").read_text("utf-8"))
        bits = vectors["outputs"][0]["parameters"]["bits"]
        bits[3] = f"{int(bits[3], 16) ^ (1 << 40):016x}"
        (folder / "model" / "vectors.json").write_text(json.dumps(vectors))
        found = browse(folder)
        assert found["state"] == "bad"
        assert found["verdict"].startswith("Do not use: 1 of ")

    def test_a_graph_that_cannot_be_loaded_says_so(self, pages, tmp_path):
        folder = tmp_path / "page"
        shutil.copytree(pages("forest"), folder)
        (folder / "model" / "model.onnx").write_bytes(b"no graph")
        found = browse(folder)
        assert found["state"] == "bad"
        assert "cannot be loaded here" in found["verdict"]
