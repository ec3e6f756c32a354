// One environment: how it is, why, and what can be done about it.

import { api, follow, Refused } from "./api.js";
import { announce, element, keepFocus, note, prose, refusal, sentence } from "./element.js";
import { extendDialog, removeDialog } from "./dialogs.js";
import { chip, clock, countdown, isGone, isStuck, moment, price, services, since } from "./words.js";

const KEPT_EVENTS = 100;

export async function showEnvironment({ main, signal }, name) {
  const heading = element("h1", { tabindex: "-1" }, name);
  const events = element("ul", { class: "events", role: "list", tabindex: "0", "aria-label": "Events" });
  const live = element("span", { class: "live" }, "connecting");
  const body = element("div", { class: "stack" });
  const head = element("div", { class: "head" }, heading);
  main.replaceChildren(element("p", {}, element("a", { href: "#/" }, "All environments")), head, body);

  let last = null;
  async function load() {
    try {
      const environment = await api.read(name);
      const explained = await api.explain(name).catch((error) => {
        // Not everybody who may read may ask why.
        if (error instanceof Refused) return null;
        throw error;
      });
      if (signal.aborted) return;
      last = environment;
      keepFocus(() => show(environment, explained));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      body.replaceChildren(refusal(error.problem));
    }
  }

  function show(environment, explained) {
    const open = body.querySelector("details")?.open ?? false;
    const allowed = (action) => explained?.rights?.[action]?.allowed ?? true;
    const actions = [];
    if (environment.expires_at && environment.type === "sue" && !isGone(environment.phase) && allowed("ExtendEnvironment")) {
      actions.push(element("button", { type: "button", on: { click: () => extendDialog(environment, load) } }, "Extend"));
    }
    if (environment.origin === "bucket" && !isGone(environment.phase) && allowed("DeleteEnvironment")) {
      actions.push(element("button", { type: "button", class: "grave", on: { click: () => removeDialog(environment, load) } }, "Take down"));
    }
    head.replaceChildren(heading, chip(environment.phase), element("div", { class: "actions" }, actions));
    body.replaceChildren(
      ...explanation(environment, explained),
      element("div", { class: "columns" },
        element("div", { class: "stack" },
          serviceTable(environment),
          element("section", { class: "card padded" },
            element("div", { class: "head" }, element("h2", {}, "Events"), live), events)),
        element("div", { class: "stack" },
          facts(environment),
          element("section", { class: "card padded" }, element("details", { open },
            element("summary", {}, "The claim"),
            element("pre", { tabindex: "0", "aria-label": "The claim as JSON" }, JSON.stringify(environment.claim, null, 2)))))),
    );
  }

  await load();
  if (last === null) return;
  const heard = ({ event, environment }) => {
    const words = event === "present" ? `is ${environment.phase}` : event === "removed" ? "is gone" : `is ${environment.phase} now`;
    const reason = environment.status?.reason;
    events.prepend(element("li", {}, element("time", {}, clock(new Date())), element("span", {}, reason ? `${words}: ${reason}` : words)));
    while (events.children.length > KEPT_EVENTS) events.lastChild.remove();
    if (event === "present") return;
    announce(`${name} ${words}${reason ? `. ${reason}` : ""}`);
    load();
  };
  follow(`/environments/${encodeURIComponent(name)}/events`, signal, heard, (on) => {
    live.textContent = on ? "live" : "not connected";
    live.classList.toggle("on", on);
  });
}

/** Why it is as it is: in the controller's words first, then in ours. */
function explanation(environment, explained) {
  const reason = environment.status?.reason;
  const blocker = environment.status?.blocker;
  if (!reason && !explained) return [];
  if (!reason && environment.phase === "Ready") return [];
  const kind = environment.phase === "Rejected" ? "bad" : isStuck(environment.phase) ? "warn" : "";
  return [note(kind,
    element("strong", {}, prose(sentence(reason ?? explained.meaning))),
    blocker ? element("p", { id: "blocker" }, `Waits for ${blocker.kind} `, element("code", {}, blocker.name),
      blocker.finalizer ? `, finalizer ${blocker.finalizer}` : "", blocker.external_id ? `, ${blocker.external_id} in the cloud` : "") : null,
    explained?.next && environment.phase !== "Ready" ? element("p", {}, "What to do: ", prose(explained.next), ".") : null,
    environment.status?.deadline ? element("p", {}, "Should be over ", countdown(environment.status.deadline), ".") : null)];
}

function facts(environment) {
  const fact = (word, value) => (value ? [element("dt", {}, word), element("dd", {}, value)] : []);
  const { withdrawn } = environment;
  return element("section", { class: "card padded" }, element("h2", {}, "About"),
    element("dl", { class: "facts" },
      fact("Owner", environment.owner),
      fact("Pool", environment.pool),
      fact("Type", element("span", { class: "tag" }, environment.type)),
      fact("Asked for", moment(environment.claim.creation_date)),
      fact("In this phase", environment.status?.since ? since(environment.status.since) : null),
      fact("Ends", environment.expires_at && !isGone(environment.phase) ? countdown(environment.expires_at) : null),
      fact("Taken back", withdrawn ? `${moment(withdrawn.at)}${withdrawn.by ? ` by ${withdrawn.by}` : ", its time was over"}` : null),
      fact("Managed", environment.origin === "git" ? `in Git: ${environment.claim.git_repository ?? ""}` : "here"),
      fact("A month", price(environment)),
    ));
}

function serviceTable(environment) {
  const all = services(environment);
  const column = (words) => element("th", { scope: "col", role: "columnheader" }, words);
  const cell = (label, content, kind) => element("td", { role: "cell", "data-label": label, class: kind }, content);
  const state = (ready) => (ready === null ? "not known yet" : element("span", { class: `chip ${ready ? "good" : "bad"}` }, ready ? "runs" : "does not run"));
  return element("section", { class: "card list" },
    all.length === 0
      ? element("div", { class: "empty" }, element("h2", {}, "No services"), element("p", { class: "under" }, "The claim asks for none."))
      : element("table", { role: "table", "aria-label": "Services" },
        element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, column("Service"), column("Asked for"), column("Version"), column("State"))),
        element("tbody", { role: "rowgroup" }, all.map(({ name, constraint, tag, ready }) => element("tr", { role: "row" },
          cell("Service", element("span", { class: "name" }, name), "lead"),
          cell("Asked for", element("code", {}, constraint)),
          cell("Version", tag ? element("code", {}, tag) : "not known yet"),
          cell("State", state(ready)))))));
}
