// Where the page starts: sign in, then show what the address after the # names.

import { element, note } from "./element.js";
import { begin, isSignedIn, signIn, signOut, who } from "./login.js";
import { showCreate } from "./create.js";
import { showEnvironment } from "./environment.js";
import { showEnvironments } from "./environments.js";

const main = document.getElementById("main");
const navigation = document.getElementById("navigation");
/** Ends what the page that is being left has running. */
let leaving = new AbortController();

async function start() {
  let failure;
  try {
    failure = await begin();
  } catch {
    failure = "The sign-in cannot be reached. Try again in a moment.";
  }
  if (!isSignedIn()) return welcome(failure);
  navigation.hidden = false;
  document.getElementById("account").append(
    element("span", {}, who()),
    element("button", { type: "button", class: "small", on: { click: signOut } }, "Sign out"),
  );
  addEventListener("hashchange", show);
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  await show();
}

function welcome(failure) {
  const begin = () => signIn().catch(() => welcome("The sign-in cannot be reached. Try again in a moment."));
  main.replaceChildren(
    element("section", { class: "card welcome" },
      element("h1", { tabindex: "-1" }, "Environments of the platform"),
      element("p", { class: "under" }, "See what runs, ask for an environment, and find out why one is not ready yet."),
      failure ? note("bad", element("strong", {}, "Not signed in"), element("p", {}, failure)) : null,
      element("button", { type: "button", class: "first", id: "sign-in", on: { click: begin } }, "Sign in"),
    ),
  );
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const [, page, name] = location.hash.split("?")[0].split("/");
  for (const link of navigation.querySelectorAll("a")) {
    const current = link.hash === (page === "new" ? "#/new" : "#/") && page !== "environments";
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const context = { main, signal: leaving.signal };
  if (page === "new") await showCreate(context);
  else if (page === "environments" && name) await showEnvironment(context, decodeURIComponent(name));
  else await showEnvironments(context);
  const heading = main.querySelector("h1");
  document.title = `${heading?.dataset.title ?? heading?.textContent ?? "Environments"} · Slipway`;
  // Who came by a link starts at the heading of the new page; who types into the search stays there.
  if (!main.contains(document.activeElement)) heading?.focus({ preventScroll: true });
}

start();
