// Signing in: authorization code with PKCE at the issuer. The tokens stay in this module's memory and are gone with the
// page; only what the way to the issuer and back needs is kept for that moment, and it is no use to anybody else.

const PENDING = "slipway.login";
const RETURNING = "slipway.returning";

let config;
let endpoints;
let tokens = null;

export const token = () => tokens?.access_token ?? "";
export const isSignedIn = () => tokens !== null;

/** Reads the settings, and takes up a sign-in that is on its way back. Gives the words to show if it failed. */
export async function begin() {
  config = await (await fetch("config.json")).json();
  const query = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  if (query.has("code") || query.has("error")) {
    history.replaceState(null, "", location.pathname + (pending?.hash ?? ""));
    const failure = await take(query, pending);
    if (failure) sessionStorage.removeItem(RETURNING);
    return failure;
  }
  // Somebody who reloads the page is known to the issuer still: the way there and back shows nothing.
  if (sessionStorage.getItem(RETURNING)) await signIn();
  return null;
}

async function take(query, pending) {
  if (query.has("error")) return query.get("error_description") ?? query.get("error");
  const expected = pending && query.get("state") === pending.state && bare(query.get("iss") ?? config.issuer) === bare(config.issuer);
  if (!expected) return "The answer of the sign-in does not belong to this page. Sign in again.";
  try {
    await exchange({ grant_type: "authorization_code", code: query.get("code"), code_verifier: pending.verifier, redirect_uri: here() });
  } catch (error) {
    return `The sign-in could not be completed: ${error.message}`;
  }
  sessionStorage.setItem(RETURNING, "yes");
  return null;
}

/** Goes to the issuer; the page comes back with `begin`. */
export async function signIn() {
  const { authorization_endpoint: address } = await discover();
  const verifier = random();
  const state = random();
  const challenge = encode(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state, hash: location.hash }));
  const target = new URL(address);
  const wanted = {
    response_type: "code", client_id: config.client_id, redirect_uri: here(), scope: config.scopes.join(" "),
    state, code_challenge: challenge, code_challenge_method: "S256",
  };
  if (config.resource) wanted.resource = config.resource;
  for (const [name, value] of Object.entries(wanted)) target.searchParams.set(name, value);
  location.assign(target);
  // The page is being left; nothing after this may run.
  await new Promise(() => {});
}

export function signOut() {
  tokens = null;
  sessionStorage.removeItem(RETURNING);
  location.replace(location.pathname);
}

/** A new token for one that the API does not take any more. */
export async function renew() {
  if (tokens?.refresh_token) {
    try {
      return await exchange({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    } catch {
      // The session at the issuer is over too.
    }
  }
  return signIn();
}

/** Who is signed in, for the eye alone: rights are decided by the API. */
export function who() {
  try {
    const payload = token().split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))));
    return claims.email ?? claims.preferred_username ?? claims.name ?? claims.sub ?? "";
  } catch {
    return "";
  }
}

async function exchange(parameters) {
  const { token_endpoint: address } = await discover();
  const wanted = { ...parameters, client_id: config.client_id };
  if (config.resource) wanted.resource = config.resource;
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(wanted), credentials: "omit" });
  const body = await answer.json();
  if (!answer.ok || !body.access_token) throw new Error(body.error_description ?? body.error ?? `status ${answer.status}`);
  tokens = { refresh_token: tokens?.refresh_token, ...body };
}

async function discover() {
  if (!endpoints) {
    const address = `${bare(config.issuer)}/.well-known/openid-configuration`;
    endpoints = await (await fetch(address, { credentials: "omit" })).json();
  }
  return endpoints;
}

/** An issuer with a slash at its end and one without are the same to those who write settings by hand. */
const bare = (issuer) => issuer.replace(/\/$/, "");
const here = () => location.origin + location.pathname;
const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));
const encode = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
