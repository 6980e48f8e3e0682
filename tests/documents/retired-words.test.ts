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
  "libs/adapters/mongo/src/key-marks.ts": ["unsure"],
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
  "libs/adapters/job-queue/src/queue-options.test.ts": ["bundle"],
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

/**
 * Words with several meanings, of which code has one left or none, as parts of names. In sentences they are plain English.
 * A counter is *reset*, what it counts from is its *baseline*, a failure is *retryable*, work is done *attempt* by attempt.
 */
const RETIRED_IN_NAMES = [
  ...["turn", "turns", "floor", "fall", "falls", "fallen", "passing", "standing", "standings"],
  ...["settle", "settled", "settling", "unsettled"],
];

/** Names that have the one meaning left, as the glossary says it, and names that are not ours. */
const NAMES: ReadonlySet<string> = new Set([
  // Of a node: it holds users of its groups alone.
  ...["isSettled", "unsettled", "SETTLED_AFTER_MS"],
  // Of a device with its key.
  ...["standingOf", "DeviceStanding"],
  // Node's own name for one round of its event loop.
  ...["loopTurn", "nextLoopTurn"],
  // Time, while something runs: a helper of tests.
  "passing",
  ...["allSettled", "PromiseSettledResult"],
]);

/** Where a stored name, or one of those who carry it on, is such a word. */
const NAMES_IN_PLACES: Readonly<Record<string, readonly string[]>> = {
  // Fields of the documents of traffic in MongoDB.
  "libs/adapters/mongo/src/traffic-codecs.ts": ["floor", "settled"],
  "libs/adapters/mongo/src/traffic-codecs.test.ts": ["floor", "settled"],
  // A field of the document of the log's checkpoint in MongoDB.
  "libs/adapters/mongo/src/mongo-event-log.ts": ["settled"],
  "libs/domain/events/src/relay-events.test.ts": ["turns"],
  "tests/faults/many-expiries.faults.ts": ["settled"],
  "tools/bench/src/cases/expire.ts": ["settled"],
  // Of a device with its key.
  "libs/domain/keys/src/devices/admit-devices.ts": ["standing"],
  "services/api/src/subscriptions/device-gate.ts": ["standing"],
  // Plain English.
  "libs/adapters/mongo/src/event-marks.ts": ["standing"],
  "libs/domain/webhooks/src/deliver-events.ts": ["isTurnOfNew"],
};

const files = ["*.ts", "*.md", "*.yml", "*.yaml", "*.json"]
  .flatMap(trackedFiles)
  .filter((file) => !/\/generated\/|package-lock\.json$|retired-words\.test\.ts$/.test(file));

test("retired words stand nowhere but where a stored or foreign name needs one", async () => {
  const found = await Promise.all(files.map(async (file) => [file, retiredIn(await ownText(file))] as const));
  expect(Object.fromEntries(found.filter(([, words]) => words.length > 0))).toEqual(PLACES);
});

test("names have no word with several meanings but where it has its one, or is stored", async () => {
  const code = files.filter((file) => file.endsWith(".ts"));
  const found = await Promise.all(code.map(async (file) => [file, retiredNamesIn(await ownText(file))] as const));
  const named = Object.fromEntries(found.filter(([, names]) => names.length > 0));
  expect(named).toEqual(
    Object.fromEntries(Object.entries(NAMES_IN_PLACES).map(([file, names]) => [file, [...names].sort()])),
  );
});

const NO_CODE = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\bMath\.floor\b/g;

/** The names in a file's code that have a retired part, without those that may be everywhere. */
function retiredNamesIn(code: string): string[] {
  const names = new Set(code.replaceAll(NO_CODE, " ").match(/[A-Za-z_$][\w$]*/g));
  return [...names]
    .filter((name) => !NAMES.has(name) && partsOf(name).some((part) => RETIRED_IN_NAMES.includes(part)))
    .sort();
}

function partsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])(?=[A-Z])/g, "$1 ")
    .replaceAll("_", " ")
    .toLowerCase()
    .split(" ");
}

/** The present text of a file: releases are not rewritten. */
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
