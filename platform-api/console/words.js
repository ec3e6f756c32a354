// How phases, moments and prices are said.

import { element } from "./element.js";

const PHASES = {
  Pending: ["busy", "accepted, not begun"],
  Provisioning: ["busy", "network, cluster and nodes are being made"],
  Bootstrapping: ["busy", "the cluster is being prepared"],
  Deploying: ["busy", "services are being rolled out"],
  Ready: ["good", "everything runs"],
  Degraded: ["warn", "something does not run any more"],
  Blocked: ["warn", "goes on only when somebody does something"],
  Rejected: ["bad", "the claim cannot be met"],
  Expired: ["idle", "its time is over"],
  Draining: ["idle", "it is being taken down"],
  Deleted: ["idle", "nothing of it is left"],
};

export function chip(phase) {
  const [kind, meaning] = PHASES[phase] ?? ["idle", ""];
  return element("span", { class: `chip ${kind}`, title: meaning }, phase);
}

/** Phases in which a reason is something that a person must read. */
export const isStuck = (phase) => ["Blocked", "Degraded", "Rejected"].includes(phase);

/** Phases after the claim was taken back. */
export const isGone = (phase) => ["Expired", "Draining", "Deleted"].includes(phase);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `3 h 20 min`: the two largest units, as far as they say something. */
export function span(milliseconds) {
  const left = Math.abs(milliseconds);
  if (left < MINUTE) return "less than a minute";
  const parts = [[Math.floor(left / DAY), "d"], [Math.floor((left % DAY) / HOUR), "h"], [Math.floor((left % HOUR) / MINUTE), "min"]];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

const long = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const short = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const moment = (text) => long.format(new Date(text));
export const clock = (date) => short.format(date);

export function since(text) {
  return element("time", { datetime: text, title: moment(text) }, `${span(Date.now() - new Date(text))} ago`);
}

/** A countdown; all of them are kept up to date by `tick`. */
export function countdown(text) {
  const time = element("time", { datetime: text, title: moment(text), "data-countdown": "" });
  show(time);
  return time;
}

function show(time) {
  const left = new Date(time.dateTime) - Date.now();
  time.textContent = left > 0 ? `in ${span(left)}` : `${span(left)} ago`;
  time.classList.toggle("soon", left < 2 * HOUR);
}

setInterval(() => document.querySelectorAll("[data-countdown]").forEach(show), 10_000);

export function price(environment) {
  const monthly = environment.status?.monthly_price;
  return monthly ? `$${Number(monthly).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}` : null;
}

/** Services: what is asked for, and what it became. */
export function services(environment) {
  return Object.entries(environment.claim?.services ?? {}).map(([name, asked]) => {
    const known = environment.status?.services?.[name];
    const constraint = typeof asked === "string" ? asked : asked.version;
    return { name, constraint, tag: known?.tag ?? null, ready: known ? known.ready : null };
  });
}
