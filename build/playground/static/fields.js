// One labelled control a column, chosen by what the contract says of it and what the recorded rows hold.

import { isMissing, missing, Mistake, read, show } from "./values.js";

const MOST_CHOICES = 60;
const LONG_TEXT = 60;
const OTHER = "\u0000other";
const MISSING = "\u0000missing";

let created = 0;

/** An element with attributes and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A column's name as words. */
export function spoken(name) {
  const words = name.replace(/[_.]+/g, " ").trim() || name;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What the columns are called in the form: as words, or as they are where two would be called the same. */
export function labels(names) {
  const words = names.map(spoken);
  return words.map((word, place) =>
    words.filter((other) => other === word).length > 1 ? names[place] : word,
  );
}

/** A field of the form; `samples` are the column's cells in rows of the sample family. */
export class Field {
  #spec;
  #control;
  #exact = null;
  #problem;
  #changed;

  constructor(spec, label, samples, changed) {
    this.#spec = spec;
    this.#changed = changed;
    created += 1;
    const id = `field-${created}`;
    this.#control = control(spec, label, samples, id, () => this.#edited());
    this.#problem = element("p", { class: "problem", id: `${id}-problem`, hidden: true });
    const hint = hintOf(spec);
    this.element = element(
      "div",
      { class: `field ${this.#control.wide ? "wide" : ""}` },
      element("label", { for: id, title: spec.name }, label),
      ...this.#control.elements,
      ...(hint ? [element("p", { class: "hint", id: `${id}-hint` }, hint)] : []),
      this.#problem,
    );
    this.#control.main.setAttribute("aria-describedby", hint ? `${id}-hint ${id}-problem` : `${id}-problem`);
  }

  /** Show a cell, which stays exact as long as nobody edits it. */
  set(cell) {
    this.#exact = { cell };
    this.#control.show(cell);
    this.#complain(null);
  }

  /** The cell; null if what was typed is none, which the field then says. */
  get() {
    if (this.#exact !== null) return this.#exact.cell;
    try {
      const cell = this.#control.cell();
      this.#complain(null);
      return cell;
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.#complain(error.message);
      return null;
    }
  }

  #edited() {
    this.#exact = null;
    this.#changed();
  }

  #complain(message) {
    this.#problem.hidden = message === null;
    this.#problem.textContent = message ?? "";
    if (message === null) this.#control.main.removeAttribute("aria-invalid");
    else this.#control.main.setAttribute("aria-invalid", "true");
  }
}

function hintOf(spec) {
  if (spec.kind === "instant") return spec.zone ? "In UTC" : "";
  return spec.kind === "duration" ? "In seconds" : "";
}

function control(spec, label, samples, id, edited) {
  const choices = choicesOf(spec, samples);
  if (choices !== null) return picker(spec, label, choices, id, edited);
  if (spec.kind === "text") return writer(spec, samples, id, edited);
  return spec.kind === "instant" ? calendar(spec, id, edited) : counter(spec, samples, id, edited);
}

/** What a pick list offers, and whether anything else may be typed; null for no pick list. */
function choicesOf(spec, samples) {
  if (spec.kind === "flag") return { values: ["true", "false"], open: false };
  const numeric = spec.kind === "float" || spec.kind === "integer";
  if ((spec.kind !== "text" && !numeric) || spec.document) return null;
  if (spec.only !== null) return { values: spec.only.map(String), open: false };
  if (spec.categories !== null) return { values: spec.categories.map(String), open: spec.kind === "text" };
  if (numeric) return null;
  const seen = [...new Set(samples.filter((cell) => !isMissing(spec, cell)))];
  const short = seen.every((text) => text.length <= LONG_TEXT);
  if (seen.length === 0 || seen.length > MOST_CHOICES || !short) return null;
  return { values: seen.sort((a, b) => a.localeCompare(b)), open: true };
}

function picker(spec, label, { values, open }, id, edited) {
  const named = { true: "Yes", false: "No" };
  const select = element(
    "select",
    { id },
    ...values.map((value) =>
      element("option", { value }, (spec.kind === "flag" && named[value]) || value || "(empty)"),
    ),
    ...(spec.nullable ? [element("option", { value: MISSING }, "— missing —")] : []),
    ...(open ? [element("option", { value: OTHER }, "something else …")] : []),
  );
  const other = element("input", { type: "text", hidden: true, "aria-label": `${label}, something else` });
  const reveal = () => (other.hidden = select.value !== OTHER);
  select.addEventListener("change", () => {
    reveal();
    edited();
    if (select.value === OTHER) other.focus();
  });
  other.addEventListener("input", edited);
  return {
    main: select,
    elements: open ? [select, other] : [select],
    show(cell) {
      const text = show(spec, cell);
      if (isMissing(spec, cell)) select.value = MISSING;
      else if (values.includes(text)) select.value = text;
      else {
        select.value = OTHER;
        other.value = text;
      }
      reveal();
    },
    cell() {
      if (select.value === MISSING) return missing(spec);
      return read(spec, select.value === OTHER ? other.value : select.value);
    },
  };
}

/** Free text; a missing one is ticked, because an empty text is a text. */
function writer(spec, samples, id, edited) {
  const wide = spec.document || samples.some((cell) => cell.length > LONG_TEXT);
  const area = element(wide ? "textarea" : "input", wide ? { id, rows: 4 } : { id, type: "text" });
  const tick = element("input", { type: "checkbox" });
  const toggle = () => (area.disabled = tick.checked);
  area.addEventListener("input", edited);
  tick.addEventListener("change", () => {
    toggle();
    edited();
  });
  return {
    wide,
    main: area,
    elements: spec.nullable ? [area, element("label", { class: "tick" }, tick, " missing")] : [area],
    show(cell) {
      tick.checked = isMissing(spec, cell);
      area.value = show(spec, cell);
      toggle();
    },
    cell: () => (tick.checked ? missing(spec) : read(spec, area.value)),
  };
}

function calendar(spec, id, edited) {
  const input = element("input", { id, type: "datetime-local", step: 1 });
  input.addEventListener("input", edited);
  return {
    main: input,
    elements: [input],
    show: (cell) => (input.value = show(spec, cell)),
    cell: () => {
      if (input.validity.badInput) throw new Mistake("This is not a date and time.");
      return read(spec, input.value);
    },
  };
}

/** A number, with a slider over the range of the recorded rows. */
function counter(spec, samples, id, edited) {
  const input = element("input", {
    id,
    type: "text",
    inputmode: "decimal",
    placeholder: spec.nullable ? "missing" : null,
  });
  const slider = sliderOf(spec, samples);
  const follow = () => {
    const number = Number(input.value);
    const known = input.value.trim() !== "" && Number.isFinite(number);
    slider?.classList.toggle("empty", !known);
    if (known && slider !== null) slider.value = number;
  };
  input.addEventListener("input", () => {
    follow();
    edited();
  });
  slider?.addEventListener("input", () => {
    input.value = rounded(Number(slider.value), Number(slider.dataset.step));
    slider.classList.remove("empty");
    edited();
  });
  return {
    main: input,
    elements: [element("div", { class: "dial" }, input, ...(slider === null ? [] : [slider]))],
    show(cell) {
      input.value = show(spec, cell);
      follow();
    },
    cell: () => read(spec, input.value),
  };
}

function sliderOf(spec, samples) {
  const numbers = samples
    .filter((cell) => !isMissing(spec, cell))
    .map(Number)
    .filter(Number.isFinite);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (spec.kind === "duration" || !(high > low)) return null;
  const whole = spec.kind === "integer";
  const slider = element("input", {
    type: "range",
    min: low,
    max: high,
    step: whole ? 1 : "any",
    tabindex: -1,
    "aria-hidden": "true",
  });
  slider.dataset.step = whole ? 1 : 10 ** Math.floor(Math.log10((high - low) / 200));
  return slider;
}

function rounded(number, step) {
  return String(Number((Math.round(number / step) * step).toPrecision(12)));
}
