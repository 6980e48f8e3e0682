// Makes what npm installs for an image smaller: takes out of the package.json files and the lockfile of a directory what runs
// only where the code is made and tested. `npm ci --omit=dev` alone keeps what a workspace needs for its tests, as other
// workspaces of ours have it among their dependencies.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Served to browsers as one file that has all of its dependencies in it. */
const bundled = ["redoc"];

const [directory] = process.argv.slice(2);
let workspaces = [];
edit("package-lock.json", ({ packages }) => {
  workspaces = Object.keys(packages).filter((path) => !path.includes("node_modules/"));
  for (const workspace of workspaces) delete packages[workspace].devDependencies;
  for (const name of bundled) {
    const entry = packages[`node_modules/${name}`];
    if (entry === undefined) throw new Error(`${name} is not installed any more`);
    delete entry.dependencies;
    delete entry.peerDependencies;
  }
});
for (const workspace of workspaces) {
  edit(join(workspace, "package.json"), (manifest) => {
    delete manifest.devDependencies;
  });
}

function edit(path, change) {
  const file = join(directory, path);
  const content = JSON.parse(readFileSync(file, "utf8"));
  change(content);
  writeFileSync(file, JSON.stringify(content));
}
