/**
 * Enters into package-lock.json the optional packages for platforms that the registry at hand does not serve.
 *
 * npm leaves out of the lockfile what it can't fetch, and `npm ci` then refuses the lockfile, here and on the platform
 * whose package is missing. Run it through `npm run lock` after every change of dependencies.
 */
import { readFile, writeFile } from "node:fs/promises";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(await readFile(file, "utf8"));
const entries = Object.entries(lock.packages);

const systems = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "aix", "win32"];
const processors = [
  "arm64",
  "arm",
  "armv7",
  "x64",
  "ia32",
  "ppc64",
  "riscv64",
  "s390x",
  "loong64",
  "mips64el",
  "wasm32",
];

let added = 0;
for (const [, parent] of entries) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] !== undefined) continue;
    lock.packages[path] = {
      version: exact(name, version),
      ...platformOf(name),
      ...(parent.dev === true && { dev: true }),
      optional: true,
    };
    added += 1;
  }
}

lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
);
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added} optional packages of other platforms entered`);

function exact(name, version) {
  if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${name} is wanted as ${version}: its version can't be told`);
  return version;
}

function platformOf(name) {
  const words = name.split(/[/@_-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  return {
    ...(cpu !== undefined && { cpu: [cpu === "armv7" ? "arm" : cpu] }),
    ...(words.includes("musl") && { libc: ["musl"] }),
    ...(words.includes("gnu") && { libc: ["glibc"] }),
    ...(os !== undefined && { os: [os] }),
  };
}
