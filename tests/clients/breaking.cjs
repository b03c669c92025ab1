// Prints what a client of the first document trips over in the second one, a line each.
const { readFileSync } = require("node:fs");
const { apiCompare } = require("api-smart-diff");

const [before, after] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));

function breaks({ action, after, path, type }) {
  switch (path.at(-1)) {
    // What a function of a generated client is called.
    case "operationId":
      return action !== "add";
    // A request may take null from now on, and an answer may have none. In a model by itself it is not said which it is.
    case "nullable":
      return path[0] === "paths" && path.includes("requestBody") === !after;
  }
  switch (path.at(-2)) {
    // What its module is called.
    case "tags":
      return path[0] === "paths" && action !== "add";
    // An answer may have a value one day that it has not today, which clients are told to expect.
    case "enum":
      return action !== "add";
  }
  return type === "breaking";
}

for (const { action, path } of apiCompare(before, after).diffs.filter(breaks)) {
  console.log(`${action} ${path.join(" ")}`);
}
