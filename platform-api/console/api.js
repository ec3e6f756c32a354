// The API as the page asks it. The token lives in this module's memory and in no storage.

import { renew, token } from "./login.js";

/** What the API refused, as it said it; `faults` have the place of each. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title);
    this.status = status;
    this.problem = problem;
  }
}

const BASE = "/api/v1";

export const api = {
  list: ({ question, cursor, limit = 50 }) => {
    const wanted = new URLSearchParams({ limit });
    if (question) wanted.set("q", question);
    if (cursor) wanted.set("cursor", cursor);
    return ask("GET", `/environments?${wanted}`);
  },
  read: (name) => ask("GET", `/environments/${encodeURIComponent(name)}`),
  explain: (name) => ask("GET", `/environments/${encodeURIComponent(name)}/explain`),
  trial: (claim) => ask("POST", "/environments?dry_run=true", { body: claim }),
  create: (claim, key) => ask("POST", "/environments", { body: claim, key }),
  extend: (name, until, etag, key) =>
    ask("POST", `/environments/${encodeURIComponent(name)}/extend`, { body: { until }, etag, key }),
  remove: (name, etag, key) => ask("DELETE", `/environments/${encodeURIComponent(name)}`, { etag, key }),
  schema: async () => (await fetch(`${BASE}/claim.schema.json`)).json(),
};

/** A key that makes it safe to send the same wish again. */
export const freshKey = () => crypto.randomUUID();

async function ask(method, path, { body, etag, key } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (etag) headers["if-match"] = `"${etag}"`;
  if (key) headers["idempotency-key"] = key;
  const answer = await send(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!answer.ok) throw new Refused(answer.status, await problemOf(answer));
  return answer.status === 204 ? null : answer.json();
}

/** Sends with the token; one that ended in the meantime is renewed once. */
async function send(path, request) {
  const once = async () => {
    try {
      return await fetch(BASE + path, { ...request, headers: { ...request.headers, authorization: `Bearer ${token()}` } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, {
        title: "No answer", detail: "The platform's API cannot be reached.", action: "check the connection and try again",
      });
    }
  };
  const answer = await once();
  if (answer.status !== 401) return answer;
  await renew();
  return once();
}

async function problemOf(answer) {
  try {
    return await answer.json();
  } catch {
    return { title: `The answer was ${answer.status}`, detail: "It came from something before the API.", action: "try again" };
  }
}

/**
 * Follows events until the signal ends it. EventSource cannot send a token, so the stream is read by hand.
 * `heard` gets each event's data; `state` gets true while connected.
 */
export async function follow(path, signal, heard, state) {
  let pause = 1000;
  while (!signal.aborted) {
    try {
      const answer = await send(path, { headers: { accept: "text/event-stream" }, signal });
      if (!answer.ok) throw new Refused(answer.status, await problemOf(answer));
      state(true);
      pause = 1000;
      await readEvents(answer.body, heard);
    } catch (error) {
      if (signal.aborted) return;
      // A refusal stays one; a lost connection does not.
      if (error instanceof Refused && error.status >= 400 && error.status < 500 && error.status !== 429) {
        state(false);
        return;
      }
    }
    state(false);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 30_000);
  }
}

async function readEvents(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) {
      const data = event.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length > 0) heard(JSON.parse(data.join("\n")));
    }
  }
}
