// What the model says, for a person: a label with the probability of each class, a number, a table.

import { element, spoken } from "./fields.js";

const MOST_CLASSES = 12;
const NAT = -(2n ** 63n);
const WORDS = {
  predict: "Prediction",
  predict_proba: "Probability",
  predict_log_proba: "Logarithm of the probability",
  decision_function: "Decision function",
  score_samples: "Score",
  transform: "Transformed",
};

/** The elements that show the outputs of one row. */
export function render(contract, outputs) {
  const parts = [];
  const of = (method) =>
    contract.outputs
      .filter((output) => output.method === method)
      .sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  const probabilities = of("predict_proba");
  const predictions = of("predict");
  if (probabilities.length > 0) {
    probabilities.forEach((output, target) => {
      const head = probabilities.length > 1 ? element("h3", {}, `Target ${target + 1}`) : "";
      const label = labelOf(predictions, outputs, target);
      parts.push(
        element(
          "div",
          { class: "card" },
          head,
          ...(label === null ? [] : [big(label)]),
          bars(output, outputs),
        ),
      );
    });
  } else {
    for (const output of predictions) parts.push(simple(output, outputs));
  }
  const transformed = of("transform");
  if (transformed.length > 0) parts.push(table(transformed, outputs));
  const further = ["predict_log_proba", "decision_function", "score_samples"].flatMap(of);
  if (further.length > 0) {
    const shown = further.map((output) => table([output], outputs, WORDS[output.method]));
    if (parts.length === 0) parts.push(...shown);
    else parts.push(element("details", {}, element("summary", {}, "More numbers"), ...shown));
  }
  return parts;
}

/** Whether the graph says that the pipeline would refuse the row, and why. */
export function refusal(contract, outputs) {
  const domain = contract.outputs.find(({ method }) => method === "domain");
  if (domain === undefined) return null;
  const place = [...outputs[domain.name]].findIndex((valid) => !valid);
  return place < 0 ? null : contract.conditions[place];
}

function labelOf(predictions, outputs, target) {
  if (predictions.length === 0) return null;
  const [output] = predictions;
  if (predictions.length > 1) return text(predictions[target], outputs[predictions[target].name][0]);
  return text(output, outputs[output.name][target] ?? outputs[output.name][0]);
}

function big(label) {
  return element("p", { class: "big" }, label);
}

function bars(output, outputs) {
  const found = [...outputs[output.name]];
  const labels =
    output.labels?.length === found.length ? output.labels.map(plain) : found.map((_, i) => String(i));
  const order = found.map((_, place) => place);
  if (found.length > MOST_CLASSES) order.sort((a, b) => found[b] - found[a]);
  const shown = order.slice(0, MOST_CLASSES);
  const best = Math.max(...found);
  const list = element(
    "ul",
    { class: "bars", "aria-label": "Probability of each class" },
    ...shown.map((place) => bar(labels[place], found[place], found[place] === best)),
  );
  if (order.length === shown.length) return list;
  return element(
    "div",
    {},
    list,
    element("p", { class: "quiet" }, `and ${order.length - shown.length} more classes`),
  );
}

function bar(label, probability, best) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${Math.max(0, Math.min(1, probability)) * 100}%`;
  return element(
    "li",
    { class: best ? "best" : "" },
    element("span", { class: "name" }, label),
    element("span", { class: "share", title: String(probability) }, percent(probability)),
    element("span", { class: "track", "aria-hidden": "true" }, fill),
  );
}

function simple(output, outputs) {
  const cells = [...outputs[output.name]];
  if (cells.length > 1) return table([output], outputs, WORDS[output.method]);
  return element(
    "div",
    { class: "card" },
    element("p", { class: "big", title: String(cells[0]) }, text(output, cells[0])),
  );
}

function table(specs, outputs, caption = "") {
  const rows = specs.flatMap((output) => {
    const cells = [...outputs[output.name]];
    const labels =
      output.labels?.length === cells.length && output.method !== "predict" ? output.labels.map(plain) : null;
    const names = output.columns ?? labels ?? cells.map((_, place) => `${WORDS[output.method]} ${place + 1}`);
    return cells.map((cell, place) =>
      element(
        "tr",
        {},
        element(
          "th",
          { scope: "row", title: names[place] },
          cells.length === 1 && !output.columns ? WORDS[output.method] : spoken(names[place]),
        ),
        element("td", { title: String(cell) }, text(output, cell)),
      ),
    );
  });
  const head = caption ? [element("caption", {}, caption)] : [];
  return element(
    "div",
    { class: "card scroll" },
    element("table", {}, ...head, element("tbody", {}, ...rows)),
  );
}

function text(output, cell) {
  if (output.datatype === "BOOL") return plain(Boolean(cell));
  if (typeof cell === "bigint") return cell === NAT ? "—" : String(cell);
  if (typeof cell === "number") return output.labels === null ? number(cell) : String(cell);
  return cell === "" ? "(empty)" : cell;
}

function plain(label) {
  return typeof label === "boolean" ? (label ? "Yes" : "No") : String(label);
}

function number(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "—" : value > 0 ? "∞" : "−∞";
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 6 }).format(value);
}

function percent(probability) {
  const digits = probability > 0.001 && probability < 0.999 ? 1 : 3;
  return `${(probability * 100).toFixed(digits)} %`;
}
