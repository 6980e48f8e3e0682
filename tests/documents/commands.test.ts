import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseCommand as parseBackup } from "@veil/backup";
import { expect, it } from "vitest";
import { z } from "zod";
import { readArguments } from "../../tools/bench/src/arguments.ts";
import { parseCommand as parseFleet } from "../../tools/fleet/src/parse-command.ts";
import { parseArguments } from "../../tools/import-keys/src/parse-arguments.ts";
import { parseCommand as parseJobs } from "../../tools/jobs/src/parse-command.ts";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** Releases are not rewritten: their commands are those of their time. */
const documents = trackedFiles("*.md").filter((file) => file !== "CHANGELOG.md");
const texts = documents.map((document) => ({ document, text: readFileSync(join(repoRoot, document), "utf8") }));
const blocks = texts.flatMap(({ document, text }) =>
  [...text.matchAll(/^ *```(\w*)\n(.*?)^ *```$/gms)]
    .map(([, language = "", code = ""]) => ({ document, language, code }))
    .filter(({ language }) => ["bash", "sh", ""].includes(language)),
);

const manifest = z.object({ name: z.string(), scripts: z.record(z.string(), z.string()).default({}) });
const manifests = trackedFiles("*package.json").map((file) =>
  manifest.parse(JSON.parse(readFileSync(join(repoRoot, file), "utf8"))),
);

/** How each program reads the arguments behind `--`; null or an error refuses them. */
const readers: Readonly<Record<string, (args: readonly string[]) => unknown>> = {
  backup: (args) => parseBackup(["backup", ...args]),
  restore: (args) => parseBackup(["restore", ...args]),
  bench: readArguments,
  fleet: parseFleet,
  import: parseArguments,
  jobs: parseJobs,
};

it("every script that a document runs is there", () => {
  const run = texts.flatMap(({ document, text }) =>
    [...text.matchAll(/\bnpm run ([a-z][a-z:]*)(?: -w (\S+?))?(?=[^\w/@:-])/g)].map(([command, script = "", room]) => ({
      command: `${document}: ${command}`,
      isThere: manifests.some(({ name, scripts }) => name === (room ?? "veil-xray-api") && script in scripts),
    })),
  );
  expect(run.length).toBeGreaterThan(50);
  expect(run.filter(({ isThere }) => !isThere)).toEqual([]);
});

it("every program takes the arguments that a document gives it", () => {
  const given = blocks.flatMap(({ code }) =>
    [...code.matchAll(/\bnpm run ([a-z]+) -- ([^\n#>|]+)/g)].map(([command, script = "", args = ""]) => {
      const read = readers[script];
      if (read === undefined) throw new Error(`nothing here reads the arguments of ${command}`);
      return { command: command.trim(), isTaken: isTaken(() => read(args.trim().split(/\s+/))) };
    }),
  );
  expect(given.length).toBeGreaterThan(10);
  expect(given.filter(({ isTaken: taken }) => !taken)).toEqual([]);
});

it("every file of ours that a command names is there", () => {
  const folders = "charts|deploy|k8s|observability|tests|tools|javascript|python|\\.";
  const named = blocks.flatMap(({ document, code }) =>
    [...code.matchAll(new RegExp(`(?<=^|[\\s=]|/opt/veil/)(?:${folders})/[\\w./*-]*\\w`, "gm"))].map(([path]) => ({
      path: `${document}: ${path}`,
      isThere: [".", dirname(document)].some((from) => trackedFiles(sourceOf(join(from, path))).length > 0),
    })),
  );
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter(({ isThere }) => !isThere)).toEqual([]);
});

it("bash can read every block of commands", () => {
  const shell = blocks.filter(({ language }) => language !== "");
  const faults = shell.flatMap(({ document, code }) => {
    const { status, stderr } = spawnSync("bash", ["-n"], { input: code, encoding: "utf8" });
    return status === 0 ? [] : [`${document}: ${stderr}`];
  });
  expect(shell.length).toBeGreaterThan(30);
  expect(faults).toEqual([]);
});

it("every file of code that a document names is there", () => {
  const files = trackedFiles(".");
  const missing = texts.flatMap(({ document, text }) =>
    [...text.matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !files.some((file) => `/${file}`.endsWith(`/${name}`)))
      .map((name) => `${document}: ${name}`),
  );
  expect(missing).toEqual([]);
});

function isTaken(read: () => unknown): boolean {
  try {
    return read() !== null;
  } catch {
    return false;
  }
}

/** The source of a program that a build makes. */
function sourceOf(path: string): string {
  return normalize(path).replace(/\/dist\/(.+)\.js$/, "/src/$1.ts");
}
