// better-auth as its documentation sets it up: better-sqlite3, email and password, the bearer plugin.
// https://better-auth.com/docs/installation, /docs/authentication/email-password, /docs/plugins/bearer

import { betterAuth } from "better-auth";
import { bearer } from "better-auth/plugins";
import Database from "better-sqlite3";
import { hashPassword, verifyPassword } from "./password.js";

const database = new Database(process.env.DATABASE);
// Each commit is synced once.
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");

export const auth = betterAuth({
  database,
  secret: process.env.BETTER_AUTH_SECRET,
  baseURL: process.env.BETTER_AUTH_URL,
  emailAndPassword: {
    enabled: true,
    autoSignIn: false,
    password: { hash: hashPassword, verify: verifyPassword },
  },
  plugins: [bearer()],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
