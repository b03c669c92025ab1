// Prints what a client of the first document trips over in the second one, a line each.
const { readFileSync } = require("node:fs");
const { apiCompare } = require("api-smart-diff");

const [before, after] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));

function breaks({ action, after, path, type }) {
  const [place, , , part] = path;
  // What a function and its module are called in a generated client.
  if (place === "paths" && (part === "operationId" || part === "tags")) {
    return action !== "add";
  }
  // What is sent may take null from now on, and an answer may have none. In a model by itself it is not said which it is.
  if (path.at(-1) === "nullable") {
    return place === "paths" && ["parameters", "requestBody"].includes(part) === !after;
  }
  // An answer may have a value one day that it has not today: of codes and kinds of events, clients are told to expect more.
  if (path.at(-2) === "enum") {
    return action !== "add";
  }
  return type === "breaking";
}

for (const { action, path } of apiCompare(before, after).diffs.filter(breaks)) {
  console.log(`${action} ${path.join(" ")}`);
}
