"""Generated TypeScript clients: compiled, formatted, tested by their own tests, tried on held-out rows."""

import json
import shutil

import numpy as np
import onnx
import pytest
from npm import client, node, run
from toolchains import demand
from typed_rows import answered, typed_rows

from artifacts import ARTIFACTS, sample
from onnxtwin.build import artifact as artifacts
from onnxtwin.build.clients import generate
from onnxtwin.build.clients.typescript.project import SPELLING
from onnxtwin.build.clients.view import view
from onnxtwin.build.manifest import make_manifest
from onnxtwin.exporters.errors import ArtifactError
from onnxtwin.runtime_checks.node import absent

pytestmark = pytest.mark.xdist_group("typescript")

ANSWER_HELD_OUT = """
import { readFileSync, writeFileSync } from "node:fs";
import { %(type)s } from "./dist/index.js";

const big = (_, value) => (typeof value?.big === "string" ? BigInt(value.big) : value);
const rows = JSON.parse(readFileSync("rows.json", "utf8"), big);
const model = await %(type)s.open();
const answers = [];
for (let start = 0; start < rows.length; start += 1000) {
  answers.push(...(await model.answerBatch(rows.slice(start, start + 1000))));
}
const plain = (_, value) => (typeof value === "bigint" ? String(value) : value);
writeFileSync("answers.json", JSON.stringify(answers, plain));
console.log(answers.length);
"""


@pytest.fixture(scope="module")
def tools():
    demand("node", absent())


@pytest.fixture(scope="module")
def clients(tools, tmp_path_factory):
    """A compiled client by its artifact's name, each made once."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = client(sample(name).folder, tmp_path_factory.mktemp("clients") / name)
        return made[name]

    return get


def said(clients, name, body):
    """What a script says that has opened the client's ``model`` and recorded ``row``."""
    folder = clients(name)
    found = view(artifacts.read(sample(name).folder), SPELLING)
    row = json.dumps(typed_rows(found, {k: v[:1] for k, v in sample(name).inputs.items()})[0])
    return node(
        folder,
        f"""
        import * as client from "./dist/index.js";
        const big = (_, value) => (typeof value?.big === "string" ? BigInt(value.big) : value);
        const row = JSON.parse({json.dumps(row)}, big);
        const model = await client.{found.type_name}.open();
        const caught = async (call) => {{
          try {{
            await call();
            return null;
          }} catch (error) {{
            const {{ name, message, column, row, step, file }} = error;
            return {{ name, message, column, row, step, file }};
          }}
        }};
        {body}
        await model.close();
        """,
    )


def refused(clients, name, change):
    """The error that a changed row meets, as the second of two."""
    body = (
        f"console.log(JSON.stringify(await caught(() => model.answerBatch([row, {{ ...row, {change} }}]))));"
    )
    return said(clients, name, body)


def test_a_class_that_javascript_cannot_name_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="no name of an npm package"):
        generate(sample("arrives_late").folder, "typescript", tmp_path / "x", package="Not A Name")


@pytest.mark.long
def test_a_client_passes_its_tests_by_npm_alone(tools, tmp_path):
    generate(sample("arrives_late").folder, "typescript", tmp_path / "client")
    run("npm", "install", "--no-audit", "--no-fund", cwd=tmp_path / "client")
    assert "# fail 0" in run("npm", "test", cwd=tmp_path / "client")


@pytest.mark.long
@pytest.mark.parametrize("name", ARTIFACTS)
class TestEveryArtifact:
    def test_its_client_is_formatted_and_its_tests_are_green(self, clients, name):
        run("npm", "run", "lint", cwd=clients(name))
        assert "# fail 0" in run("npm", "test", cwd=clients(name))

    def test_typed_answers_to_held_out_rows_are_the_pipelines(self, clients, name):
        folder, held_out = clients(name), sample(name)
        found = view(artifacts.read(held_out.folder), SPELLING)
        rows = typed_rows(found, held_out.inputs)
        (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        assert node(folder, ANSWER_HELD_OUT % {"type": found.type_name}) == 10_000
        answers = json.loads((folder / "answers.json").read_text("utf-8"))
        sure = ~held_out.undetermined
        for method in found.methods:
            given = [answer[method.identifier] for answer in answers]
            for output, values in answered(found, method, given).items():
                expected = held_out.outputs[output]
                assert values.shape == expected.shape
                if expected.dtype.kind == "f":
                    np.testing.assert_allclose(values[sure], expected[sure], rtol=1e-9, atol=1e-9)
                else:
                    np.testing.assert_array_equal(values[sure], expected[sure])


@pytest.mark.long
class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("name", "change", "error", "column", "message"),
        [
            ("arrives_late", "schedDepTime: null", "DomainError", "sched_dep_time", "must not be missing"),
            ("arrives_late", "schedDepTime: 1.5", "InputError", "sched_dep_time", "a whole number"),
            ("arrives_late", "schedDepTime: 2 ** 53", "InputError", "sched_dep_time", "as a bigint"),
            ("arrives_late", "schedDepTime: 2n ** 63n", "DomainError", "sched_dep_time", "holds"),
            ("arrives_late", "temp: '60'", "InputError", "temp", 'found "60", expected a number or null'),
            ("arrival_delay", "temp: Infinity", "DomainError", "temp", "refuses infinity"),
            ("arrives_late", "temp: undefined", "InputError", "temp", "is not given"),
            ("arrives_late", "carrier: '__missing__'", "InputError", "carrier", "stands for a missing value"),
            ("arrives_late", "carrier: 'U\\0A'", "InputError", "carrier", "without NUL"),
            ("arrives_late", "carrier: '\\ud800'", "InputError", "carrier", "half a surrogate pair"),
            ("arrives_late", "temperature: 1", "InputError", None, 'no field "temperature"'),
            ("dates_and_text", "channel: 'pigeon'", "DomainError", "channel", 'only "fax", "phone"'),
            ("dates_and_text", "amount: 0", "DomainError", None, "step"),
            (
                "dates_and_text",
                "orderedAt: '2021-05-05T10:00:00'",
                "InputError",
                "ordered_at",
                "no time zone",
            ),
            ("dates_and_text", "orderedAt: 'yesterday'", "InputError", "ordered_at", "ISO 8601"),
            ("dates_and_text", "orderedAt: new Date(NaN)", "InputError", "ordered_at", "invalid date"),
            ("dates_and_text", "shippedOn: '2021-02-29'", "InputError", "shipped_on", "no day or time"),
            ("dates_and_text", "shippedOn: '2021-02-28T10:00:00.5'", "InputError", "shipped_on", "finer"),
            (
                "dates_and_text",
                "shippedOn: new Date(0)",
                "InputError",
                "shipped_on",
                "would need a time zone",
            ),
            ("dates_and_text", "handling: 5", "InputError", "handling", "as a bigint"),
            ("dates_and_text", "handling: 2n ** 63n", "InputError", "handling", "beyond what int64 holds"),
        ],
    )
    def test_a_bad_value_is_an_error_that_names_the_column_and_row(
        self, clients, name, change, error, column, message
    ):
        found = refused(clients, name, change)
        assert found["name"] == error
        assert found.get("column") == column
        assert found["row"] == 1
        assert message in found["message"]

    def test_a_row_of_another_length_is_refused(self, clients):
        body = "console.log(JSON.stringify(await caught(() => model.predict([1, 2]))));"
        assert "expected a list of 5" in said(clients, "matrix", body)["message"]

    def test_a_wrong_type_does_not_compile(self, clients):
        folder = clients("arrives_late")
        (folder / "test" / "wrong.ts").write_text(
            'import type { Row } from "arrives-late";\n'
            "export const wrong = (row: Row): Row[] => [\n"
            '  { ...row, temp: "60" },\n  { ...row, schedDepTime: null },\n  { ...row, extra: 1 },\n];\n'
        )
        done = run("npx", "--no-install", "tsc", "--project", "test", "--noEmit", cwd=folder, check=False)
        (folder / "test" / "wrong.ts").unlink()
        assert done.stdout.count("error TS") == 3
        assert "extra" in done.stdout


@pytest.mark.long
class TestDates:
    def test_the_same_instant_in_every_form_has_the_same_answer(self, clients):
        body = """
        const forms = ["2022-03-27T01:00:00Z", "2022-03-27T03:00:00+02:00", "2022-03-27 01:00Z",
          new Date("2022-03-27T01:00:00Z"), 1648342800000000n];
        const rows = forms.map((orderedAt) => ({ ...row, orderedAt }));
        console.log(JSON.stringify(await model.predictBatch(rows)));
        """
        answers = said(clients, "dates_and_text", body)
        assert len(answers) == 5
        assert len(set(answers)) == 1


@pytest.mark.long
class TestTheSelfTest:
    def test_a_runtime_that_answers_otherwise_turns_it_red(self, clients):
        body = """
        const ort = await import("onnxruntime-node");
        const InferenceSession = { create: async (...given) => {
          const session = await ort.InferenceSession.create(...given);
          return { release: () => session.release(), run: async (...given) => {
            const results = await session.run(...given);
            results.predict_proba.data[0] += 1e-6;
            return results;
          } };
        } };
        const runtime = { ...ort, InferenceSession, Tensor: ort.Tensor, env: ort.env };
        const broken = await client.ArrivesLate.open({ runtime });
        console.log(JSON.stringify(await caught(() => broken.selfTest())));
        """
        found = said(clients, "arrives_late", body)
        assert found["name"] == "SelfTestError"
        assert "predict_proba differs in 1 (by up to 0.000001" in found["message"]

    def test_a_graph_with_one_changed_threshold_turns_it_red(self, tools, tmp_path):
        broken = tmp_path / "forest"
        shutil.copytree(sample("forest").folder, broken)
        model = onnx.load(broken / "model.onnx")
        trees = [node for node in model.graph.node if node.op_type == "TreeEnsemble"]
        splits = next(a for a in trees[0].attribute if a.name == "nodes_splits").t
        values = onnx.numpy_helper.to_array(splits).copy()
        values[0] += 100
        splits.CopyFrom(onnx.numpy_helper.from_array(values))
        onnx.save(model, broken / "model.onnx")
        (broken / "manifest.json").unlink()
        (broken / "manifest.json").write_text(json.dumps(make_manifest(broken)))
        folder = client(broken, tmp_path / "client")
        done = run("npm", "test", cwd=folder, check=False)
        assert done.returncode != 0
        assert "SelfTestError" in done.stdout

    def test_altered_files_are_refused_by_name(self, tools, tmp_path):
        folder = client(sample("matrix").folder, tmp_path / "client")
        model = folder / "model" / "model.onnx"
        vectors = folder / "model" / "vectors.json"
        vectors.write_text(vectors.read_text("utf-8").replace("sample", "Sample", 1))
        script = """
        import { Matrix } from "./dist/index.js";
        const model = await Matrix.open();
        await model.selfTest().catch(({ name, file }) => console.log(JSON.stringify([name, file])));
        """
        assert node(folder, script) == ["ArtifactError", "vectors.json"]
        model.write_bytes(model.read_bytes() + b"\0")
        script = """
        import { Matrix } from "./dist/index.js";
        await Matrix.open().catch(({ name, file }) => console.log(JSON.stringify([name, file])));
        """
        assert node(folder, script) == ["ArtifactError", "model.onnx"]


@pytest.mark.long
def test_eight_callers_of_one_model_get_right_answers_ten_thousand_times(clients):
    body = """
    const rows = Array.from({ length: 8 }, (_, i) => ({ ...row, score: i / 4 - 1 }));
    const expected = await model.predictProbaBatch(rows);
    let wrong = 0;
    await Promise.all(rows.map(async (mine, i) => {
      for (let call = 0; call < 10_000; call += 1) {
        const found = await model.predictProba(mine);
        for (const name of Object.keys(found)) {
          if (Math.abs(found[name] - expected[i][name]) > 1e-12) wrong += 1;
        }
      }
    }));
    console.log(wrong);
    """
    assert said(clients, "multi_class", body) == 0


@pytest.mark.long
def test_closing_waits_for_calls_under_way(clients):
    body = """
    const calls = Array.from({ length: 20 }, () => model.predict(row));
    await model.close();
    console.log(JSON.stringify([(await Promise.all(calls)).length, await caught(() => model.predict(row))]));
    """
    count, error = said(clients, "multi_class", body)
    assert count == 20
    assert error["name"] == "ClosedError"
