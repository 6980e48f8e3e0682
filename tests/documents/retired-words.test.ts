import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/** Words of our own that gave way to those of the field, see docs/glossary.md; and British spellings. */
const RETIRED = [
  ...["ghost", "foreign user", "foreigner", "refill", "refilled", "glance", "unsure", "settle", "verdict"],
  ...["judge", "judged", "heir", "stranger", "bundle", "gathered", "told", "wish", "hurry", "doubt", "blame"],
  ...["unauthorised", "authorise", "programme", "summarise", "recognise", "normalise", "initialise", "serialise"],
  ...["honour", "honoured", "behaviour", "colour", "coloured", "neighbour", "favour", "judgement", "fulfil"],
  ...["labelled", "travelled", "signalled", "dialled", "learnt", "spelt"],
];

/** Where a stored name, or one of others, is such a word. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  // A field of keys' documents in MongoDB.
  "libs/adapters/mongo/src/documents.ts": ["unsure"],
  "libs/adapters/mongo/src/key-codecs.ts": ["unsure"],
  "libs/adapters/mongo/src/mongo-desired-state.ts": ["unsure"],
  "libs/adapters/mongo/src/mongo-key-housekeeping.ts": ["unsure"],
  "libs/adapters/mongo/src/mongo-key-store.ts": ["unsure"],
  // A micro-batch in Redis, as every release since 1.1 reads it, and `bundle_id` in logs.
  "libs/adapters/job-queue/src/job-dispatcher.ts": ["bundle"],
  "libs/adapters/job-queue/src/job-steps.ts": ["bundle"],
  "libs/adapters/job-queue/src/log-job-step.ts": ["bundle"],
  "libs/adapters/job-queue/src/micro-batch.ts": ["bundle"],
  "libs/adapters/job-queue/src/micro-batcher.ts": ["bundle"],
  "libs/adapters/job-queue/src/micro-batches.integration.test.ts": ["bundle"],
  "libs/adapters/job-queue/src/rolling-update.integration.test.ts": ["bundle"],
  "docs/glossary.md": ["bundle"],
  "docs/metrics.md": ["bundle"],
  // Files of swagger-ui-dist and redoc.
  "services/api/src/docs/docs-assets.ts": ["bundle"],
  "services/api/src/docs/docs-assets.test.ts": ["bundle"],
  "services/api/src/docs/docs-pages.ts": ["bundle"],
  // Says what the labels were.
  "CHANGELOG.md": ["ghost", "unauthorised"],
};

const files = ["*.ts", "*.md", "*.yml", "*.yaml", "*.json"]
  .flatMap(trackedFiles)
  .filter((file) => !/\/generated\/|package-lock\.json$|retired-words\.test\.ts$/.test(file));

test("retired words stand nowhere but where a stored or foreign name needs one", async () => {
  const found = await Promise.all(files.map(async (file) => [file, retiredIn(await ownText(file))] as const));
  expect(Object.fromEntries(found.filter(([, words]) => words.length > 0))).toEqual(PLACES);
});

/** What a file says now: releases are not rewritten. */
async function ownText(file: string): Promise<string> {
  const text = await readFile(join(repoRoot, file), "utf8");
  return file === "CHANGELOG.md" ? text.slice(0, text.search(/^## \[\d/m)) : text;
}

/** The retired words of a text, also where they are a part of an identifier. */
function retiredIn(text: string): string[] {
  const words = ` ${text.replace(/([a-z0-9])(?=[A-Z])/g, "$1 ").replaceAll(/[\W_]+/g, " ")} `.toLowerCase();
  return RETIRED.filter((word) => pluralsOf(word).some((form) => words.includes(` ${form} `)));
}

function pluralsOf(word: string): string[] {
  return [word, `${word}s`, `${word}es`];
}
