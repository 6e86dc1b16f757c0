// The page: the form from the contract, the prediction as one types, the verdict at the top.

import { refusal, render } from "./answers.js";
import { element, Field, labels } from "./fields.js";
import { load } from "./model.js";
import { describe } from "./values.js";

const $ = (id) => document.getElementById(id);

let model;
let fields;
let current = null;
let asked = 0;

start().catch((error) => {
  verdict("bad", `The model cannot be loaded here: ${error.message}`);
  throw error;
});

async function start() {
  model = await load();
  verdict("busy", "Checking the model against the research answers …");
  await painted();
  await judge();
  facts();
  build();
  choose(0);
}

/** Lets the browser paint before a computation. */
function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

function verdict(state, text) {
  $("verdict").dataset.state = state;
  $("verdict-text").textContent = text;
}

async function judge() {
  const { compared, different, exact, leftOut } = await model.selfTest();
  const apart = leftOut === 0 ? "" : `; ${leftOut} with the character NUL cannot be asked in a browser`;
  if (compared === 0) return verdict("bad", "There is no recorded answer to check this model with.");
  if (different > 0) {
    const message = `Do not use: ${different} of ${compared} recorded answers come out differently in this browser.`;
    return verdict("bad", message);
  }
  const share = `${(Math.floor(exact * 1000) / 10).toFixed(1).replace(".0", "")} %`;
  const bits = exact === 1 ? "every digit the same" : `${share} to the last bit, the rest within a billionth`;
  return verdict(
    "good",
    `Verified: all ${compared} recorded answers of the research model come out here, ${bits}${apart}.`,
  );
}

function build() {
  const { contract, vectors } = model;
  const sampled = vectors.tags.flatMap((tag, row) => (tag === "sample" ? [row] : []));
  const rows = sampled.length > 0 ? sampled : vectors.tags.map((_, row) => row);
  const samples = rows.map((row) => model.recorded(row));
  const documents = contract.rows.container === "documents";
  const called = documents ? ["Text"] : labels(contract.columns.map(({ name }) => name));
  fields = contract.columns.map((column, place) => {
    const spec = describe(column, contract.rows);
    const field = new Field(
      spec,
      called[place],
      samples.map((cells) => cells.get(column.name)),
      edited,
    );
    return [column.name, field];
  });
  $("form").replaceChildren(...fields.map(([, field]) => field.element));
  $("form").addEventListener("submit", (event) => event.preventDefault());
  list(vectors.tags);
}

/** The recorded rows by family, in a list. */
function list(tags) {
  const groups = new Map();
  tags.forEach((tag, row) => {
    const option = element("option", { value: row }, `Recorded row ${row + 1}`);
    groups.set(tag, [...(groups.get(tag) ?? []), option]);
  });
  const select = $("recorded");
  select.replaceChildren(
    element("option", { value: "", hidden: true }, "Your own values"),
    ...[...groups].map(([tag, options]) => element("optgroup", { label: tag }, ...options)),
  );
  select.addEventListener("change", () => choose(Number(select.value)));
  const count = tags.length;
  $("previous").addEventListener("click", () => choose(((current ?? 0) + count - 1) % count));
  $("next").addEventListener("click", () => choose(((current ?? -1) + 1) % count));
  $("random").addEventListener("click", () => choose(Math.floor(Math.random() * count)));
  for (const id of ["recorded", "previous", "next", "random"]) $(id).disabled = false;
}

function choose(row) {
  current = row;
  $("recorded").value = String(row);
  const cells = model.recorded(row);
  for (const [name, field] of fields) field.set(cells.get(name));
  answer();
}

function edited() {
  if (current !== null) $("recorded").value = "";
  current = null;
  answer();
}

async function answer() {
  asked += 1;
  const mine = asked;
  const recorded = current;
  const cells = new Map(fields.map(([name, field]) => [name, field.get()]));
  if ([...cells.values()].includes(null)) return say(["Complete the marked fields."], "");
  const outputs = await model.answer(cells);
  if (mine !== asked) return;
  const refused = refusal(model.contract, outputs);
  if (refused !== null) {
    say([`The model has no answer: ${refused.message} (step ${refused.step}).`], "");
    return;
  }
  $("output").classList.remove("none");
  $("output").replaceChildren(...render(model.contract, outputs));
  $("origin").textContent =
    recorded === null
      ? "Computed here from your values."
      : `Recorded row ${recorded + 1}; change anything to see what happens.`;
}

function say(lines, origin) {
  $("output").classList.add("none");
  $("output").replaceChildren(...lines.map((line) => element("p", {}, line)));
  $("origin").textContent = origin;
}

function facts() {
  const { contract, vectors } = model;
  $("rows-are").textContent =
    vectors.rows_are === "real" ? "real rows" : "nobody's: each column's values were shuffled by themselves";
  const entries = {
    Answers: contract.methods.join(", "),
    Columns: String(contract.columns.length),
    "Recorded rows": String(vectors.rows),
    "Research stack": Object.entries(contract.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  };
  $("facts").replaceChildren(
    ...Object.entries(entries).flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]),
  );
}
