// Makes the tables: what `npx auth migrate` does.
// https://better-auth.com/docs/concepts/database#programmatic-migrations

import { getMigrations } from "better-auth/db/migration";

import { auth } from "./auth.js";

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
