import { QueueUnavailableError } from "@veil/job-queue";
import { ManualClock } from "@veil/runtime";
import { expect, it } from "vitest";
import { requestScope } from "../../test/in-memory/request-scope.ts";
import type { Jobs } from "../ports.ts";
import { type AwaitedJob, awaitJob } from "./await-job.ts";

const WAIT_MS = 8_000;

/** Waits for a job of which Redis says nothing. @param reasons what it says of each question, again and again */
async function waitedFor(...reasons: readonly string[]) {
  const clock = new ManualClock();
  let asked = 0;
  const jobs: Pick<Jobs, "awaitResult"> = {
    awaitResult: () => {
      asked += 1;
      return Promise.reject(new QueueUnavailableError(false, new Error(reasons[asked % reasons.length])));
    },
  };
  const scope = requestScope();
  const awaited: AwaitedJob<"delete-key"> = {
    name: "delete-key",
    jobId: "delete-1",
    until: clock.now() + WAIT_MS,
    whenFailed: "wait",
    retriesFailed: false,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of them
  const waiting = awaitJob(awaited, { jobs: jobs as Jobs, clock }, scope);
  await clock.advance(WAIT_MS);
  expect(await waiting).toBeNull();
  return { asked, said: scope.log.lines.map(({ message }) => message) };
}

it("says once for each reason that it can't wait for a job, however often it asks", async () => {
  const { asked, said } = await waitedFor("ECONNREFUSED");
  expect(asked).toBeGreaterThan(20);
  expect(said).toEqual(["could not wait for a job"]);
  expect((await waitedFor("ECONNREFUSED", "LOADING")).said).toHaveLength(2);
});
