// A new environment: the form of the schema, a look at what it would become, and then the wish itself.

import { api, freshKey, Refused } from "./api.js";
import { announce, element, note, prose, refusal, sentence } from "./element.js";
import { formOf } from "./form.js";

/** The API fills these in: who asks, and when. */
const FILLED_IN = ["user", "creation_date"];
const FIRST = ["environment_name", "environment_pool", "environment_type", "expiration_date", "services"];
/** Another word for a value that is offered already. */
const WITHOUT = { environment_type: ["stage"] };

export async function showCreate({ main, signal }) {
  const heading = element("h1", { tabindex: "-1" }, "New environment");
  main.replaceChildren(heading);
  const schema = await api.schema();
  if (signal.aborted) return;
  const others = Object.keys(schema.properties).filter((name) => !FILLED_IN.includes(name) && !FIRST.includes(name));
  const wish = formOf(schema, { names: [...FIRST, ...others.sort(inOrder)], without: WITHOUT });
  const trouble = element("div");
  const preview = element("section", { class: "card padded", "aria-labelledby": "preview-title" },
    element("h2", { id: "preview-title" }, "What it would become"),
    element("p", { class: "under" }, "Check first: nothing is made, and you see the nodes, the price and whether it is allowed."));
  const check = element("button", { type: "button" }, "Check");
  const create = element("button", { type: "submit", class: "first" }, "Create environment");
  const form = element("form", { novalidate: true, class: "card padded" }, wish.box, element("div", { class: "buttons" }, create, check));
  main.replaceChildren(heading, trouble, element("div", { class: "columns" }, form, preview));

  // One key for one wish: it changes with the wish, so that sending the same again makes it once.
  let key = freshKey();
  form.addEventListener("input", () => { key = freshKey(); });
  check.addEventListener("click", () => send(async (claim) => {
    show(preview, await api.trial(claim));
    announce("Checked. What it would become is shown beside the form.");
  }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(async (claim) => {
      // The trial tells what an answer of 202 cannot: that the wish is allowed, before it is one.
      const trial = await api.trial(claim);
      show(preview, trial);
      if (!trial.verdict.allowed) {
        trouble.replaceChildren(note("bad", element("strong", {}, "Not allowed"), element("p", {}, prose(sentence(trial.verdict.because)))));
        return;
      }
      made(await api.create(claim, key));
    });
  });

  async function send(act) {
    const own = wish.own();
    wish.show([]);
    trouble.replaceChildren();
    if (own.length > 0) {
      own.forEach(({ place, message }) => place.say(message));
      own[0].place.control.focus();
      return;
    }
    create.disabled = true;
    check.disabled = true;
    try {
      await act(wish.read());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const faults = error.problem.faults ?? [];
      const shown = faults.length > 0 ? wish.show(faults) : refusal(error.problem);
      trouble.replaceChildren(shown);
      shown.tabIndex = -1;
      shown.focus();
    } finally {
      create.disabled = false;
      check.disabled = false;
    }
  }
}

/** In the cluster's own store the new environment has an address at once; in Git it has a merge request. */
function made(answer) {
  if (answer.merge_request) {
    const { web_url: address } = answer.merge_request;
    const done = note("good", element("strong", {}, "A merge request is open"),
      element("p", {}, "The environment comes to be when it is merged: ", element("a", { href: address, rel: "noreferrer" }, address)));
    done.tabIndex = -1;
    document.querySelector("#main h1").after(done);
    done.focus();
    return;
  }
  announce(`${answer.environment.name} is accepted`);
  location.hash = `#/environments/${encodeURIComponent(answer.environment.name)}`;
}

function show(preview, trial) {
  const { verdict } = trial;
  preview.replaceChildren(
    element("h2", { id: "preview-title" }, "What it would become"),
    note(verdict.allowed ? "good" : "bad", element("strong", {}, verdict.allowed ? "Allowed" : "Not allowed"), element("p", {}, prose(sentence(verdict.because)))),
    ...trial.warnings.map(({ pointer, message }) => note("warn", element("strong", {}, pointer), element("p", {}, prose(message)))),
    element("dl", { class: "facts" },
      element("dt", {}, "Price a day"),
      element("dd", {}, trial.price_per_day ? `$${trial.price_per_day}` : ["not known: ", prose(trial.no_price_because ?? "no prices are configured")]),
      element("dt", {}, "Node pools"),
      element("dd", {}, element("ul", { role: "list" }, trial.nodes.map(({ kind, plan, nodes }) =>
        element("li", {}, plan ? `${kind}: ${nodes} × ${plan}` : kind)))),
      element("dt", {}, "Objects"),
      element("dd", {}, element("ul", { role: "list" }, trial.objects.map(({ kind, name }) => element("li", {}, `${kind} `, element("code", {}, name)))))),
    element("details", {}, element("summary", {}, "The claim as it would stand"),
      element("pre", { tabindex: "0", "aria-label": "The claim as JSON" }, JSON.stringify(trial.claim, null, 2))));
}

/** How a static environment is managed comes before where. */
function inOrder(one, other) {
  const order = ["deployment_method", "git_repository", "branch"];
  return order.indexOf(one) - order.indexOf(other);
}
