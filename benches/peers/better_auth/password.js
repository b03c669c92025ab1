// Argon2 by @node-rs/argon2, which better-auth's documentation names. /docs/authentication/email-password

import { hash, verify } from "@node-rs/argon2";

const ARGON2ID = 2;

export const hashPassword = (password) =>
  hash(password, { algorithm: ARGON2ID, memoryCost: 19456, timeCost: 2, parallelism: 1 });

export const verifyPassword = ({ hash, password }) => verify(hash, password);
