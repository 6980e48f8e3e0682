// Copies packages, and those of this workspace that they need, as they run: package.json and compiled code.
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [target, ...packages] = process.argv.slice(2);
const scope = "@veil/";
const directoryOf = new Map(
  Object.entries(JSON.parse(readFileSync("package-lock.json", "utf8")).packages)
    .filter(([path, entry]) => path.startsWith(`node_modules/${scope}`) && entry.link === true)
    .map(([path, entry]) => [path.slice("node_modules/".length), entry.resolved]),
);

const taken = new Set();
for (const directory of packages) take(directory);

function take(directory) {
  if (taken.has(directory)) return;
  taken.add(directory);
  const { dependencies = {} } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  if (!existsSync(join(directory, "dist"))) throw new Error(`${directory} is not compiled`);
  for (const part of ["package.json", "dist"]) {
    cpSync(join(directory, part), join(target, directory, part), { recursive: true, filter: runs });
  }
  for (const name of Object.keys(dependencies)) {
    if (name.startsWith(scope)) take(directoryOf.get(name));
  }
}

function runs(path) {
  return !/\.d\.ts(\.map)?$|\.tsbuildinfo$/.test(path);
}
