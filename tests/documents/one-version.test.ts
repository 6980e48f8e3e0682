import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** An image in compose files and manifests, the build's default, and the tag that an overlay sets. */
const OUR_TAG =
  /(?:veil\/(?!xray:)[a-z-]+:(?:\$\{VEIL_VERSION:-)?|\bVERSION[=:] ?(?:\$\{VEIL_VERSION:-)?|newTag: )([\d.]+)/g;
const versioned = z.object({ version: z.string() });

const read = (file: string) => readFile(join(repoRoot, file), "utf8");
const versionOf = async (file: string) => versioned.parse(JSON.parse(await read(file))).version;
const release = await versionOf("package.json");

it.each(trackedFiles("services/*/package.json"))(
  "%s, which logs and metrics name, has the version of the whole",
  async (file) => {
    expect(await versionOf(file)).toBe(release);
  },
);

it("is the version of the OpenAPI document", async () => {
  const { info } = z.object({ info: versioned }).parse(JSON.parse(await read("docs/openapi.json")));
  expect(info.version).toBe(release);
});

it("is the tag of every image of ours", async () => {
  const files = ["Dockerfile", ...trackedFiles("*compose*.yml"), ...trackedFiles("k8s/**.yaml")];
  const tags = await Promise.all(files.map(async (file) => [...(await read(file)).matchAll(OUR_TAG)]));
  const wrong = tags.flat().filter(([, tag]) => tag !== release);
  expect(tags.flat().length).toBeGreaterThan(8);
  expect(wrong.map(([line]) => line)).toEqual([]);
});
