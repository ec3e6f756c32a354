// A form made from the schema. It asks, shows faults at their place, and leaves the judgement to the API.

import { element, note, prose, sentence } from "./element.js";
import { choicesOf, conditions, formsOf, kindOf, step, titleOf } from "./schema.js";

let ids = 0;

/** One question: label, hint, control and the place of its fault. */
function question({ label, hint, control, required }) {
  const id = `field-${(ids += 1)}`;
  control.id = id;
  const fault = element("p", { class: "fault", id: `${id}-fault`, hidden: true });
  const described = [hint && `${id}-hint`, `${id}-fault`].filter(Boolean).join(" ");
  control.setAttribute("aria-describedby", described);
  if (required) control.setAttribute("aria-required", "true");
  const box = element("div", { class: "field" },
    element("label", { for: id, class: required ? "required" : null }, label), control, fault,
    hint ? element("p", { class: "hint", id: `${id}-hint` }, prose(hint)) : null);
  const say = (message) => {
    fault.hidden = !message;
    fault.replaceChildren(...prose(sentence(message ?? "")));
    if (message) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  return { box, control, label, say };
}

function controlOf(field, without = []) {
  const example = field.examples?.[0];
  switch (kindOf(field)) {
    case "choice": {
      const choices = choicesOf(field).filter((value) => !without.includes(value));
      return element("select", {}, element("option", { value: "" }, "—"), choices.map((value) => element("option", { value }, value)));
    }
    case "moment":
      return element("input", { type: "datetime-local" });
    default:
      return element("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: example ? `e.g. ${example}` : null });
  }
}

function valueOf(field, control) {
  const text = control.value.trim();
  if (text === "") return undefined;
  return kindOf(field) === "moment" ? new Date(text).toISOString() : text;
}

/**
 * Makes the form of a schema. `names` are the fields in their order; `without` are values that are not offered, by
 * field. Gives the box, `read` for the claim, `show` for faults, and `reset`.
 */
export function formOf(schema, { names, without = {} }) {
  const fields = names.map((name) => {
    const field = schema.properties[name];
    if (kindOf(field) === "map") return { name, map: true, ...mapOf(name, field) };
    const asked = question({
      label: titleOf(name), hint: field.description, control: controlOf(field, without[name]), required: schema.required.includes(name),
    });
    asked.control.name = name;
    return { name, ...asked, value: () => valueOf(field, asked.control) };
  });

  const read = () => {
    const claim = {};
    for (const { name, box, value } of fields) {
      const given = box.hidden ? undefined : value();
      if (given !== undefined) claim[name] = given;
    }
    return claim;
  };
  const adapt = () => {
    const { forbidden, demanded } = conditions(schema, read());
    for (const { name, box, map } of fields) {
      if (map) continue;
      box.hidden = forbidden.has(name);
      box.querySelector("label").classList.toggle("required", demanded.has(name) || schema.required.includes(name));
    }
  };
  const box = element("div", { class: "stack", on: { input: adapt, change: adapt } });
  const plain = fields.filter(({ map }) => !map);
  const maps = fields.filter(({ map }) => map);
  box.append(element("div", { class: "pair" }, plain.map((field) => field.box)), ...maps.map((field) => field.box));
  adapt();

  /** Puts each fault where it belongs, and lists all of them in front; what belongs nowhere is in the list alone. */
  const show = (faults) => {
    const places = new Map();
    for (const field of fields) {
      if (field.map) field.places().forEach(([pointer, place]) => places.set(pointer, place));
      else places.set(step(field.name), field);
    }
    places.forEach((place) => place.say(null));
    // In the order in which one meets them on the page.
    const order = [...places.values()];
    const placed = faults.map((fault) => ({ ...fault, place: nearest(places, fault.pointer) }));
    placed.sort((one, other) => order.indexOf(one.place) - order.indexOf(other.place));
    const lines = placed.map(({ pointer, message, place }) => {
      place?.say(message);
      const words = prose(`${place?.label ?? (pointer || "The claim")}: ${message}`);
      if (!place) return element("li", {}, words);
      const go = (event) => {
        event.preventDefault();
        place.control.focus();
      };
      return element("li", {}, element("a", { href: `#${place.control.id}`, on: { click: go } }, words));
    });
    if (lines.length === 0) return null;
    const words = lines.length === 1 ? "One thing is to be mended" : `${lines.length} things are to be mended`;
    const summary = note("bad", element("strong", {}, words), element("ul", { role: "list" }, lines));
    summary.tabIndex = -1;
    return summary;
  };
  return { box, read, show, own: () => maps.flatMap((field) => field.own()) };
}

/** The place of a fault, or of what contains it. */
function nearest(places, pointer) {
  for (let rest = pointer; rest; rest = rest.slice(0, rest.lastIndexOf("/"))) {
    if (places.has(rest)) return places.get(rest);
  }
  return undefined;
}

/** A field whose entries have names of their own: one row for each. */
function mapOf(name, field) {
  const { text, object } = formsOf(field);
  const rows = [];
  const list = element("div", { class: "stack" });
  const add = element("button", { type: "button", class: "small" }, `Add ${singular(name)}`);
  const box = element("fieldset", {}, element("legend", {}, titleOf(name)), element("p", { class: "hint" }, prose(field.description)),
    list, element("div", {}, add));
  add.addEventListener("click", () => addRow().key.control.focus());

  function addRow() {
    const row = rowOf(name, text, object, () => {
      rows.splice(rows.indexOf(row), 1);
      row.box.remove();
      (rows.at(-1)?.key.control ?? add).focus();
    });
    rows.push(row);
    list.append(row.box);
    return row;
  }
  addRow();

  const used = () => rows.filter((row) => row.name() !== "" || row.value() !== undefined);
  return {
    box,
    value: () => Object.fromEntries(used().filter((row) => row.name() !== "").map((row) => [row.name(), row.value() ?? ""])),
    places: () => rows.flatMap((row) => row.places(`${step(name)}${step(row.name())}`)),
    /** Faults that only the form can have: an entry without a name, and two of one name. */
    own: () => used().flatMap((row) => {
      if (row.name() === "") return [{ place: row.key, message: "needs a name" }];
      const twice = used().find((other) => other.name() === row.name()) !== row;
      return twice ? [{ place: row.key, message: `${row.name()} is there twice` }] : [];
    }),
  };
}

function rowOf(name, text, object, remove) {
  const key = question({ label: `${titleOf(singular(name))} name`, control: controlOf({ type: "string" }), required: true });
  const plain = question({ label: "Version", control: controlOf(text), required: true });
  const parts = Object.entries(object?.properties ?? {})
    .sort(([one], [other]) => object.required.indexOf(one) - object.required.indexOf(other))
    .map(([part, field]) => [part, question({ label: titleOf(part), hint: field.description, control: controlOf(field), required: true })]);
  const details = element("div", { class: "pair", hidden: true }, parts.map(([, part]) => part.box));
  const exact = () => !details.hidden;
  const toggle = element("button", { type: "button", class: "small plain", "aria-expanded": "false" }, "Name the artifacts");
  toggle.addEventListener("click", () => {
    details.hidden = exact();
    plain.box.hidden = exact();
    toggle.setAttribute("aria-expanded", String(exact()));
    toggle.textContent = exact() ? "Give a version only" : "Name the artifacts";
  });
  const gone = element("button", { type: "button", class: "small plain", on: { click: remove } }, "Remove", element("span", { class: "unseen" }, ` this ${singular(name)}`));
  const box = element("div", { class: "row", role: "group", "aria-label": titleOf(singular(name)) },
    element("div", { class: "pair" }, key.box, plain.box), details,
    element("div", { class: "foot" }, parts.length > 0 ? toggle : null, gone));
  return {
    box, key,
    name: () => key.control.value.trim(),
    value: () => {
      if (!exact()) return plain.control.value.trim() || undefined;
      const given = parts.map(([part, { control }]) => [part, control.value.trim()]).filter(([, value]) => value !== "");
      return given.length > 0 ? Object.fromEntries(given) : undefined;
    },
    places: (pointer) => [
      [pointer, exact() ? { ...key, say: key.say } : plain],
      ...parts.map(([part, place]) => [pointer + step(part), exact() ? place : plain]),
    ],
  };
}

const singular = (name) => name.replace(/s$/, "");
