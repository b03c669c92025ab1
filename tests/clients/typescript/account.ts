// The life of an account, by the client that openapi-typescript and openapi-fetch make of the OpenAPI document.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["Problem"];
type Code = components["schemas"]["ProblemCode"];

const baseUrl = process.argv[2];
assert(baseUrl, "which service?");
const client = createClient<paths>({ baseUrl });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

const email = "ada@example.com";
const password = "correct horse battery staple";

/** An answer that must have this status, and its body. */
function good<T>(answer: { data?: T; error?: Problem; response: Response }, status: number): T {
  assert.equal(answer.response.status, status, answer.error?.detail);
  return answer.data as T;
}

/** A problem that must have this status and this code. */
function refused(answer: { error?: Problem; response: Response }, status: number, code: Code): Problem {
  assert.equal(answer.response.status, status);
  assert(answer.error);
  assert.equal(answer.error.code, code);
  assert.equal(answer.error.status, status);
  return answer.error;
}

async function signIn() {
  const signedIn = good(await client.POST("/v1/sessions", { body: { login: email, password } }), 201);
  assert(signedIn.access_token && signedIn.refresh_token);
  return { ...signedIn, access: signedIn.access_token, refresh: signedIn.refresh_token };
}

const registration = { email, password, name: "Ada Lovelace", metadata: { plan: "pro" } };
const registered = good(await client.POST("/v1/users", { body: registration }), 201);
assert("email" in registered);
assert.equal(registered.email, email);
assert.deepEqual(registered.metadata, { plan: "pro" });
console.log("registered");

refused(await client.POST("/v1/users", { body: registration }), 409, "email_taken");
console.log("address taken");

const invalid = await client.POST("/v1/users", { body: { email: "nobody", password: "short" } });
const fields = refused(invalid, 422, "validation_failed").errors?.map((error) => [error.field, error.code]);
assert.deepEqual(fields, [["email", "invalid"], ["password", "too_short"]]);
console.log("body refused");

const wrong = await client.POST("/v1/sessions", { body: { login: email, password: "wrong" } });
refused(wrong, 401, "invalid_credentials");
console.log("password wrong");

const first = await signIn();
assert.equal(first.user.id, registered.id);
let headers = bearer(first.access);
console.log("signed in");

const read = await client.GET("/v1/users/me", { headers });
assert.deepEqual(good(read, 200), registered);
const version = read.response.headers.get("etag");
assert(version);
console.log("read");

const header = { "If-Match": version };
const changed = await client.PATCH("/v1/users/me", { headers, params: { header }, body: { username: "ada", name: null } });
assert.equal(good(changed, 200).username, "ada");
assert.equal(good(changed, 200).name, null);
console.log("changed");

const stale = await client.PATCH("/v1/users/me", { headers, params: { header }, body: { username: "lovelace" } });
refused(stale, 412, "version_mismatch");
console.log("version stale");

const sessions = good(await client.GET("/v1/sessions", { headers }), 200).items;
assert.deepEqual(sessions.map((session) => session.id), [first.session.id]);
console.log("sessions listed");

const refreshed = good(await client.POST("/v1/sessions/refresh", { body: { refresh_token: first.refresh } }), 200);
assert(refreshed.access_token && refreshed.access_token !== first.access);
assert.equal(refreshed.session.id, first.session.id);
headers = bearer(refreshed.access_token);
console.log("refreshed");

const events = good(await client.GET("/v1/users/me/events", { headers, params: { query: { limit: 10 } } }), 200).items;
assert.deepEqual(events.map((event) => event.kind), ["user_updated", "signed_in", "sign_in_failed", "registered"]);
assert.equal(events[1]?.actor.id, registered.id);
console.log("events listed");

const exported = good(await client.GET("/v1/users/me/export", { headers }), 200);
assert.equal(exported.user.username, "ada");
assert.equal(exported.events.items.length, events.length);
console.log("exported");

good(await client.DELETE("/v1/sessions/current", { headers }), 204);
console.log("signed out");

refused(await client.GET("/v1/users/me", { headers }), 401, "token_invalid");
console.log("token refused");

headers = bearer((await signIn()).access);
console.log("signed in again");

good(await client.DELETE("/v1/users/me", { headers }), 204);
refused(await client.POST("/v1/sessions", { body: { login: email, password } }), 401, "invalid_credentials");
console.log("deleted");
