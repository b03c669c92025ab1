// better-auth as its documentation sets it up: better-sqlite3, email and password, Argon2 by @node-rs/argon2, the bearer
// plugin. https://better-auth.com/docs/installation, /docs/authentication/email-password, /docs/plugins/bearer

import { hash, verify } from "@node-rs/argon2";
import { betterAuth } from "better-auth";
import { bearer } from "better-auth/plugins";
import Database from "better-sqlite3";

const ARGON2ID = 2;

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
    password: {
      hash: (password) => hash(password, { algorithm: ARGON2ID, memoryCost: 19456, timeCost: 2, parallelism: 1 }),
      verify: ({ hash, password }) => verify(hash, password),
    },
  },
  plugins: [bearer()],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
});
