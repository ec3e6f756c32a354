// The two questions that are asked before something changes.

import { api, freshKey, Refused } from "./api.js";
import { announce, element, refocus, refusal } from "./element.js";
import { moment } from "./words.js";

const HOUR = 3_600_000;

/** Asks for how long, and extends. */
export function extendDialog(environment, done) {
  const end = Math.max(new Date(environment.expires_at).getTime(), Date.now());
  const choices = [[4, "4 hours"], [24, "a day"], [72, "3 days"]].map(([hours, words], index) => {
    const until = new Date(end + hours * HOUR);
    return element("div", { class: "choice" },
      element("input", { type: "radio", name: "until", id: `until-${hours}`, value: until.toISOString(), checked: index === 1, autofocus: index === 1 }),
      element("label", { for: `until-${hours}` }, `By ${words}, until ${moment(until)}`));
  });
  ask({
    title: `Extend ${environment.name}`,
    body: element("fieldset", {}, element("legend", {}, "How much longer?"), choices),
    verb: "Extend",
    act: async (form, key) => {
      await api.extend(environment.name, new FormData(form).get("until"), environment.etag, key);
      announce(`${environment.name} ends later now`);
      await done();
    },
  });
}

/** Asks once more, and takes the claim back. */
export function removeDialog(environment, done) {
  const input = element("input", { id: "confirmation", autocomplete: "off", spellcheck: "false", required: true });
  ask({
    title: `Take ${environment.name} down`,
    body: element("div", { class: "field" },
      element("p", {}, "Its cluster, volumes and load balancers are removed. It can be restored only while it is being taken down."),
      element("label", { for: "confirmation" }, `Type ${environment.name} to confirm`), input),
    verb: "Take down", grave: true,
    act: async (_, key) => {
      if (input.value.trim() !== environment.name) {
        throw new Refused(0, { title: "Not confirmed", detail: `The name is ${environment.name}.` });
      }
      await api.remove(environment.name, environment.etag, key);
      announce(`${environment.name} is being taken down`);
      await done();
    },
  });
}

function ask({ title, body, verb, grave, act }) {
  const trouble = element("div");
  const submit = element("button", { type: "submit", class: grave ? "grave" : "first" }, verb);
  const form = element("form", { method: "dialog" },
    element("h2", { id: "dialog-title" }, title), body, trouble,
    element("div", { class: "buttons" }, element("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"), submit));
  const opener = document.activeElement;
  const closed = () => {
    dialog.remove();
    refocus(opener);
  };
  const dialog = element("dialog", { "aria-labelledby": "dialog-title", on: { close: closed } }, form);
  // One key for one wish: pressing twice, or again after a lost answer, does it once.
  const key = freshKey();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await act(form, key);
      dialog.close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      trouble.replaceChildren(refusal(error.problem));
    } finally {
      submit.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}
