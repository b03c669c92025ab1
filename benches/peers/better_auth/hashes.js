// How many passwords a second are hashed as in auth.js, on all the threads that hash.

import { hashPassword } from "./password.js";

const SECONDS = 3;
const LIBUV = 4;

const begun = performance.now();
let made = 0;
async function hashOnAndOn() {
  while (performance.now() - begun < SECONDS * 1e3) {
    await hashPassword("correct horse battery staple");
    made += 1;
  }
}
await Promise.all(Array.from({ length: LIBUV }, hashOnAndOn));
console.log((made / (performance.now() - begun)) * 1e3);
