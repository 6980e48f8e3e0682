import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

/**
 * The only files that may ask a machine for its time of day, each because a moment of it is what is meant. It may be set at
 * any time, so durations are measured by `performance.now()` or a clock's `monotonic()`; moments that another process is to
 * compare are in the time that all share, see `SharedClock`.
 */
const ASKING = [
  // The port itself.
  "libs/platform/runtime/src/clock.ts",
  // gRPC wants a deadline as a date.
  "libs/adapters/xray-grpc/src/grpc-transport.ts",
  // Dates for people: when a certificate begins, a job failed, a measurement was made.
  "libs/testing/test-support/src/certificate-authority.ts",
  "libs/testing/engines/src/tls-decoy.ts",
  "tools/deployment/src/kubernetes-handout.ts",
];

const ASKS = /\bDate\.now\b|\bnew Date\(\s*\)/;

const sources = ["libs", "services", "tools"]
  .flatMap((folder) => trackedFiles(folder))
  .filter((file) => /\/src\/.*\.ts$/.test(file) && !/\.test\.ts$|^tools\/bench\//.test(file));

it("asks for the time of day only where a moment is meant", () => {
  const asking = sources.filter((file) => ASKS.test(readFileSync(repoRoot + file, "utf8")));
  expect(asking.toSorted()).toEqual([...ASKING].toSorted());
});
