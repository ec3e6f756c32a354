// Elements are made here and nowhere else: text becomes text, so nothing that somebody wrote into a claim is ever markup.

/** Makes an element. Attributes: `class`, `on: {event: handler}`, booleans, and everything else by its name. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key === "on") {
      for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    } else if (value === true) {
      made.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(key, value);
    }
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Says something to those who listen to the page rather than look at it. */
export function announce(words) {
  const place = document.getElementById("announcements");
  place.textContent = "";
  // A change of the same words is no change to a screen reader, an empty moment in between is.
  setTimeout(() => { place.textContent = words; }, 60);
}

/** Text in which what stands in backticks is set as code. */
export function prose(text) {
  return text.split("`").map((piece, index) => (index % 2 ? element("code", {}, piece) : piece));
}

/** With a capital letter in front: the platform's words are parts of sentences. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A note of the given kind (`warn`, `bad`, `good`, or none). */
export function note(kind, ...children) {
  return element("div", { class: `note ${kind}`, role: kind === "bad" ? "alert" : null }, children);
}

/** What the API refused, in its own words. */
export function refusal(problem) {
  const parts = [element("strong", {}, problem.title), element("p", {}, prose(sentence(problem.detail ?? "")))];
  if (problem.action) parts.push(element("p", {}, "What to do: ", prose(problem.action), "."));
  if (problem.policies?.length) parts.push(element("p", {}, `Decided by: ${problem.policies.join(", ")}`));
  const marks = [problem.code, problem.request_id && `request ${problem.request_id}`].filter(Boolean).join(" · ");
  if (marks) parts.push(element("span", { class: "code" }, marks));
  return note("bad", parts);
}

/** Renders anew without taking the focus from whoever is in the middle of something. */
export function keepFocus(render) {
  const before = document.activeElement;
  render();
  refocus(before);
}

/** Gives the focus to what took the place of an element that is gone, or to the heading. */
export function refocus(before) {
  if (before.isConnected) return;
  const same = [...document.querySelectorAll(before.tagName)].find((one) => marks(one) === marks(before));
  (same ?? document.querySelector("h1"))?.focus({ preventScroll: true });
}

const marks = (one) => [one.id, one.getAttribute("aria-label"), one.textContent].join("|");
