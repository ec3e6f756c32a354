// The list: every environment that the reader may see, with what one wants to know at a glance.

import { api, follow, Refused } from "./api.js";
import { announce, element, keepFocus, prose, refusal, sentence } from "./element.js";
import { extendDialog } from "./dialogs.js";
import { chip, countdown, isGone, isStuck, price, services } from "./words.js";

const SHOWN_SERVICES = 3;

export async function showEnvironments({ main, signal }) {
  let question = new URLSearchParams(location.hash.split("?")[1] ?? "").get("q") ?? "";
  const input = element("input", {
    type: "search", id: "question", name: "q", value: question, autocomplete: "off", spellcheck: "false",
    "aria-describedby": "question-hint", placeholder: "api-gateway",
  });
  const form = element("form", { role: "search", on: { submit: searched } }, input, element("button", { type: "submit" }, "Search"));
  const rows = element("tbody", { role: "rowgroup" });
  const table = element("table", { role: "table", "aria-label": "Environments" }, head(), rows);
  const list = element("div", { class: "card list" }, table);
  const count = element("p", { class: "under", id: "count" });
  const more = element("div", { class: "buttons" });
  const trouble = element("div");
  main.replaceChildren(
    element("div", { class: "head" },
      element("h1", { tabindex: "-1" }, "Environments"), count,
      element("div", { class: "actions" }, element("a", { class: "button first", href: "#/new" }, "New environment")),
    ),
    element("div", { class: "search" },
      element("label", { for: "question" }, "Search"), form,
      element("p", { class: "hint", id: "question-hint" }, "Words, or ", element("code", {}, "phase:Blocked"), " ",
        element("code", {}, "pool:team1"), " ", element("code", {}, "service:api-gateway@v1.*"), " ", element("code", {}, "expires:<24h"),
        " ", element("code", {}, "-type:prod")),
    ),
    trouble, list, more,
  );

  const known = new Map();
  const refresh = () => load();

  function searched(event) {
    event.preventDefault();
    question = input.value.trim();
    const search = question ? `?${new URLSearchParams({ q: question })}` : "";
    history.replaceState(null, "", `#/${search}`);
    load();
  }

  async function load(cursor) {
    list.setAttribute("aria-busy", "true");
    try {
      const page = await api.list({ question, cursor });
      if (signal.aborted) return;
      keepFocus(() => {
        if (!cursor) {
          known.clear();
          rows.replaceChildren();
        }
        trouble.replaceChildren();
        page.environments.forEach(put);
        more.replaceChildren();
        if (page.next) {
          more.append(element("button", { type: "button", on: { click: () => load(page.next) } }, "Show more"));
        }
        said(page.next);
      });
      // Whoever asked for more goes on where it starts.
      if (cursor) known.get(page.environments[0]?.name)?.querySelector("a").focus();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      trouble.replaceChildren(refusal(error.problem));
    } finally {
      list.removeAttribute("aria-busy");
    }
  }

  function said(more) {
    const words = `${known.size}${more ? "+" : ""} ${known.size === 1 ? "environment" : "environments"}`;
    count.textContent = words;
    announce(`${words}${question ? ` found for ${question}` : ""}`);
    list.hidden = known.size === 0;
    main.querySelector(".empty")?.remove();
    if (known.size === 0) list.after(empty(question));
  }

  function put(environment) {
    const row = rowOf(environment, refresh);
    const before = known.get(environment.name);
    if (before) before.replaceWith(row);
    else rows.append(row);
    known.set(environment.name, row);
  }

  await load();
  // A row that is being used with the keyboard is left alone until the focus has moved on.
  const heard = ({ event, environment }) => {
    const row = known.get(environment.name);
    if (!row || event === "present" || row.contains(document.activeElement)) return;
    if (event === "removed") {
      row.remove();
      known.delete(environment.name);
      return;
    }
    if (row.dataset.phase !== environment.phase) announce(`${environment.name} is ${environment.phase} now`);
    put(environment);
  };
  follow("/events", signal, heard, () => {});
}

function head() {
  const column = (words, number) => element("th", { scope: "col", role: "columnheader", class: number ? "number" : null }, words);
  return element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
    column("Environment"), column("Phase"), column("Type"), column("Pool"), column("Services"), column("Ends"), column("A month", true)));
}

function rowOf(environment, refresh) {
  const cell = (label, content, kind) =>
    element("td", { role: "cell", "data-label": label, class: [kind, content === null && "void"].filter(Boolean).join(" ") || null }, content);
  const reason = environment.status?.reason;
  return element("tr", { role: "row", "data-name": environment.name, "data-phase": environment.phase },
    cell("Environment", [
      element("a", { class: "name", href: `#/environments/${encodeURIComponent(environment.name)}` }, environment.name),
      element("span", { class: "under" }, environment.owner),
    ], "lead"),
    cell("Phase", element("div", {}, chip(environment.phase),
      reason && isStuck(environment.phase) ? element("span", { class: "reason" }, prose(sentence(reason))) : null)),
    cell("Type", element("span", { class: "tag" }, environment.type)),
    cell("Pool", environment.pool),
    cell("Services", serviceList(environment)),
    cell("Ends", ending(environment, refresh)),
    cell("A month", price(environment), "number"),
  );
}

function serviceList(environment) {
  const all = services(environment);
  if (all.length === 0) return null;
  const items = all.slice(0, SHOWN_SERVICES).map(({ name, constraint, tag, ready }) =>
    element("li", { class: ready === false ? "off" : null, title: `asked for ${constraint}` },
      `${name} `, element("b", {}, tag ?? constraint), ready === false ? " (not ready)" : null));
  if (all.length > SHOWN_SERVICES) items.push(element("li", {}, `and ${all.length - SHOWN_SERVICES} more`));
  return element("ul", { class: "services", role: "list" }, items);
}

function ending(environment, refresh) {
  if (!environment.expires_at || isGone(environment.phase)) return null;
  const button = element("button", { type: "button", class: "small", "aria-label": `Extend ${environment.name}` }, "Extend");
  button.addEventListener("click", () => extendDialog(environment, refresh));
  return element("div", { class: "until" }, countdown(environment.expires_at), environment.type === "sue" ? button : null);
}

function empty(question) {
  return element("div", { class: "card empty" },
    element("h2", {}, question ? "Nothing fits the search" : "No environments yet"),
    element("p", { class: "under" }, question ? "Deleted environments are found with phase:Deleted." : "Ask for the first one, here or with a claim file."),
    question ? null : element("a", { class: "button first", href: "#/new" }, "New environment"));
}
