import { LeaseHeldError, StoreUnavailableError } from "@veil/keys";
import { exitOnSettingsError, readSettings } from "@veil/runtime";
import { ConfigFileError } from "@veil/xray-config";
import { XrayError } from "@veil/xray-grpc";
import { ImportError } from "./import-errors.ts";
import { importKeys, type ImportSummary, planImport } from "./import-keys.ts";
import type { ImportPlan } from "./import-plan.ts";
import { importSettings, openPorts } from "./open-ports.ts";
import { type Arguments, parseArguments, USAGE } from "./parse-arguments.ts";
import { readLegacyFile } from "./read-legacy-database.ts";

const EVERY_MS = 1_000;

/** Says how far a step is, about once a second and at its end. */
class ProgressLines {
  readonly #write: (line: string) => void;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  readonly report = (step: string, done: number, total: number): void => {
    const now = performance.now();
    if (done < total && now - this.#saidAt < EVERY_MS) return;
    this.#saidAt = now;
    this.#write(`${step}: ${done} of ${total}`);
  };
}

const asked = parseArguments(process.argv.slice(2));
if (asked === null) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 64;
} else {
  process.exitCode = await run(asked);
}

/** @returns the exit code */
async function run({ sqlite, dryRun }: Arguments): Promise<number> {
  const settings = exitOnSettingsError(() => readSettings(importSettings, { program: "npm run import" }));
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const keys = await readLegacyFile(sqlite);
    const progress = new ProgressLines((line) => process.stderr.write(`${line}\n`));
    const opened = await openPorts(settings, { signal: stopping.signal, onProgress: progress.report });
    try {
      if (dryRun) say(describePlan(await planImport(keys, opened.ports), settings.REALITY_COMMON_SHORT_ID));
      else say(describeSummary(await importKeys(keys, opened.ports)));
    } finally {
      await opened.close();
    }
    return 0;
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function isExpected(error: unknown): error is Error {
  return [ImportError, StoreUnavailableError, XrayError, ConfigFileError, LeaseHeldError].some(
    (expected) => error instanceof expected,
  );
}

function describePlan(
  { keys, inactive, toAdd, highestId, bytes, nodes, namesToFit, shortIds }: ImportPlan,
  common: string,
): string {
  const others = shortIds.filter((shortId) => shortId !== common);
  return [
    `${keys} keys in the database, ${inactive} of them inactive and left out, the highest id is ${highestId}`,
    `${toAdd} keys to add; ${bytes.up} bytes up and ${bytes.down} bytes down in the database`,
    ...nodes.map((node) => `node ${node.name}: ${node.toReplace} users to replace, ${node.toAdd} to add`),
    ...(namesToFit === 0
      ? []
      : [`${namesToFit} names are too long or have control characters: they are shortened, or lose those`]),
    ...(others.length === 0
      ? []
      : [
          `links name ${others.length} other short ids (${others.slice(0, 3).join(", ")}): they must stay in the inbound`,
        ]),
    "nothing was changed",
  ].join("\n");
}

function describeSummary(summary: ImportSummary): string {
  const { added, present, totalsTaken, countersMoved, replaced, longestAwayMs, config } = summary;
  return [
    `keys: ${added} added, ${present} were here already`,
    `totals: ${totalsTaken} taken over, ${countersMoved} read from Xray's counters of before`,
    `users: ${replaced} replaced or added; the longest that one could not connect was ${Math.ceil(longestAwayMs)} ms`,
    ...(config === "none" ? [] : [`Xray's config file: ${config}`]),
    ...(replaced === 0
      ? []
      : ["connections that stand are still counted under their e-mail of before: run this again to add their bytes"]),
  ].join("\n");
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
