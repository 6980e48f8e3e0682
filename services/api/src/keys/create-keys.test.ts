import { QueueUnavailableError } from "@veil/job-queue";
import { StoreUnavailableError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { callerKeys, requestScope } from "../../test/in-memory/request-scope.ts";
import { timerClock } from "../../test/in-memory/timer-clock.ts";
import { OutcomeUnknownError, WriteFailedError, WriteRejectedError, WriteUnavailableError } from "../errors.ts";
import type { KeyPage, RequestScope } from "../ports.ts";
import { createKey, createKeys } from "./create-keys.ts";
import { RefusedCreations, VisibleKeys } from "./visible-keys.ts";

const JOB = "create-1";

describe("createKey", () => {
  let plane: InMemoryPlane;
  let refused: RefusedCreations;
  let startedAt: number;
  let storeIsUp: boolean;

  beforeEach(() => {
    vi.useFakeTimers();
    plane = new InMemoryPlane();
    refused = new RefusedCreations();
    startedAt = Date.now();
    storeIsUp = true;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const ports = () => ({
    keys: callerKeys(plane),
    jobs: plane.jobs,
    refused,
    clock: timerClock,
    newId: () => "1",
    writeDeadlineMs: 10_000,
    storeIsUp: () => storeIsUp,
  });

  /** Runs a create to its end. @returns what came of it, and after how many milliseconds */
  async function create(scope: RequestScope = requestScope()): Promise<{ outcome: unknown; afterMs: number }> {
    let afterMs = 0;
    const running = createKey({ name: "name", owner: null, terms: {} }, scope, ports())
      .catch((error: unknown) => error)
      .finally(() => {
        afterMs = Date.now() - startedAt;
      });
    await vi.runAllTimersAsync();
    return { outcome: await running, afterMs };
  }

  const submittedNames = () => plane.jobs.submitted.map(({ name, jobId }) => `${name} ${jobId}`);
  const listed = async (page: KeyPage = {}) => {
    const ids: number[] = [];
    for await (const group of new VisibleKeys(callerKeys(plane), refused).list(page))
      ids.push(...group.map(({ keyId }) => keyId));
    return ids;
  };
  /** Of one that takes part in a write that another request began. */
  const laterAttempt = () => ({
    jobKey: "1",
    startedAt,
    leastDeadlineMs: 0,
    isFirst: false,
    retriesFailed: true,
    onSubmitted: () => undefined,
    becomeResolver: async () => undefined,
  });
  const redisIsAway = (mayHaveHappened: boolean) => async (): Promise<never> => {
    throw new QueueUnavailableError(mayHaveHappened, new Error("ECONNREFUSED 10.0.0.7:6379"));
  };
  const mongoIsAway = async () => {
    throw new StoreUnavailableError(new Error("no primary at 10.0.0.8"));
  };
  const workerIsSilent = () => {
    plane.jobs.scripts["create-key"] = () => never();
  };
  const fromSecond = (second: number, fail: () => Promise<void>) => async () => {
    if (Date.now() - startedAt >= second * 1_000) await fail();
  };

  it("refuses at once while MongoDB is known to be away, and submits nothing", async () => {
    storeIsUp = false;
    const { outcome, afterMs } = await create();
    expect(outcome).toBeInstanceOf(WriteUnavailableError);
    expect(afterMs).toBe(0);
    expect(plane.jobs.submitted).toEqual([]);
  });

  it("goes on with a job that another request may have submitted, though MongoDB is known to be away", async () => {
    storeIsUp = false;
    const { outcome } = await create({ ...requestScope(), attempt: laterAttempt() });
    expect(outcome).toMatchObject({ keyId: 1 });
  });

  describe("when another request led the write before", () => {
    const repeat = () => create({ ...requestScope(), attempt: laterAttempt() });
    const repeatBatch = async () => {
      const asked = [1, 2, 3].map(() => ({ name: null, owner: null, terms: {} }));
      const running = createKeys(asked, { ...requestScope(), attempt: laterAttempt() }, ports()).catch(
        (error: unknown) => error,
      );
      await vi.runAllTimersAsync();
      return running;
    };

    it("goes by its cancellation, which no worker need have carried out", async () => {
      plane.jobs.scripts["cancel-creation"] = () => never();
      plane.jobs.run("cancel-creation", `cancel-${JOB}`, { job: JOB, request_id: "" });
      expect((await repeat()).outcome).toEqual(new WriteFailedError("create key", "timed out"));
      expect(plane.keys.size).toBe(1);
    });

    it("waits until the cancellation of some of a batch is carried out, and gives the others", async () => {
      const cancelled = "create-batch-1-1";
      plane.jobs.scripts["cancel-creations"] = async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        const found = [...plane.keys.values()].find(({ job }) => job === cancelled);
        plane.addKey({ ...found, phase: "gone", activated: false });
        return { state: "finished", result: { outcome: "cancelled" } };
      };
      plane.jobs.run("cancel-creations", "cancel-create-batch-1", { jobs: [cancelled], request_id: "" });
      expect(await repeatBatch()).toMatchObject([{ status: "ok" }, { status: "error" }, { status: "ok" }]);
    });

    it("says nothing of a batch whose cancellation is not carried out in time", async () => {
      plane.jobs.scripts["cancel-creations"] = () => never();
      plane.jobs.run("cancel-creations", "cancel-create-batch-1", { jobs: ["create-batch-1-1"], request_id: "" });
      expect(await repeatBatch()).toBeInstanceOf(OutcomeUnknownError);
    });

    it("says nothing, and hides no key, when Redis goes away in that wait", async () => {
      plane.jobs.run("cancel-creations", "cancel-create-batch-1", { jobs: ["create-batch-1-1"], request_id: "" });
      plane.jobs.beforeAwait = async (jobId) => {
        if (jobId.startsWith("cancel-")) await redisIsAway(false)();
      };
      expect(await repeatBatch()).toBeInstanceOf(OutcomeUnknownError);
      expect(refused.has("create-batch-1-0")).toBe(false);
    });

    it("cancels nothing unseen, which may have been answered to be there", async () => {
      workerIsSilent();
      plane.beforeRead = mongoIsAway;
      expect((await repeat()).outcome).toBeInstanceOf(OutcomeUnknownError);
      expect(submittedNames()).toEqual([`create-key ${JOB}`]);
    });

    it("cancels what surely is not there", async () => {
      workerIsSilent();
      expect((await repeat()).outcome).toEqual(new WriteFailedError("create key", "timed out"));
      expect(submittedNames()).toEqual([`create-key ${JOB}`, `cancel-creation cancel-${JOB}`]);
    });

    it("says nothing while Redis can't tell whether it cancelled", async () => {
      plane.jobs.exists = redisIsAway(false);
      expect((await repeat()).outcome).toBeInstanceOf(OutcomeUnknownError);
    });
  });

  it("counts what the request waited before as part of its 10 seconds", async () => {
    await create({ ...requestScope(), receivedAt: startedAt - 500 });
    expect(plane.jobs.submitted).toMatchObject([{ payload: { deadline: startedAt + 7_500 } }]);
  });

  it("returns the key that the worker made, and gives the job 8 of the 10 seconds", async () => {
    const { outcome, afterMs } = await create();
    expect(outcome).toMatchObject({ keyId: 1, name: "name" });
    expect(afterMs).toBe(0);
    expect(plane.jobs.submitted).toEqual([
      {
        name: "create-key",
        jobId: JOB,
        payload: {
          key: { name: "name", owner: null, terms: {} },
          deadline: startedAt + 8_000,
          request_id: "request-1",
          actor: { name: "test", address: null },
        },
      },
    ]);
    expect(await listed()).toEqual([1]);
  });

  it.each([
    ["unavailable", WriteUnavailableError],
    ["failed", WriteRejectedError],
  ] as const)("passes the worker's refusal on: %s", async (outcome, errorClass) => {
    plane.jobs.scripts["create-key"] = () => finished<"create-key">({ outcome, detail: "no Xray node can be reached" });
    const { outcome: error } = await create();
    expect(error).toEqual(new errorClass("create key", "no Xray node can be reached"));
    expect(submittedNames()).toEqual([`create-key ${JOB}`]);
  });

  it("fails at once, with nothing enqueued, while Redis is known to be away", async () => {
    plane.jobs.beforeSubmit = redisIsAway(false);
    const { outcome, afterMs } = await create();
    expect(outcome).toEqual(new WriteUnavailableError("create key", "the job queue is unavailable"));
    expect(afterMs).toBe(0);
    expect(submittedNames()).toEqual([]);
  });

  it("finds the key although the reply to the enqueueing was lost", async () => {
    plane.jobs.beforeSubmit = async () => {
      plane.jobs.run("create-key", JOB, { key: { name: "name", owner: null, terms: {} }, deadline: 0, request_id: "" });
      return redisIsAway(true)();
    };
    expect((await create()).outcome).toMatchObject({ keyId: 1 });
  });

  it("takes the worker's result when Redis is back in time", async () => {
    plane.jobs.beforeAwait = async () => {
      if (Date.now() - startedAt < 3_000) await redisIsAway(false)();
    };
    const { outcome, afterMs } = await create();
    expect(outcome).toMatchObject({ keyId: 1 });
    expect(afterMs).toBe(3_000);
  });

  it("looks in MongoDB when no result came, and returns the key if it was created", async () => {
    plane.jobs.scripts["create-key"] = (_payload, jobId) => {
      plane.addKey({ keyId: 7, job: jobId });
      return never();
    };
    const { outcome, afterMs } = await create();
    expect(outcome).toMatchObject({ keyId: 7 });
    expect(afterMs).toBe(8_800);
    expect(submittedNames()).toEqual([`create-key ${JOB}`]);
  });

  it("returns a key that was created and has been deleted by another since", async () => {
    plane.jobs.scripts["create-key"] = (_payload, jobId) => {
      plane.addKey({ keyId: 7, job: jobId, phase: "gone", deleter: "delete-1" });
      return never();
    };
    expect((await create()).outcome).toMatchObject({ keyId: 7 });
  });

  it("does not cancel what was decided against already", async () => {
    plane.jobs.scripts["create-key"] = (_payload, jobId) => {
      plane.addKey({ job: jobId, phase: "gone", activated: false });
      return never();
    };
    expect((await create()).outcome).toBeInstanceOf(WriteFailedError);
    expect(submittedNames()).toEqual([`create-key ${JOB}`]);
  });

  it("cancels durably before it reports that the worker was silent", async () => {
    workerIsSilent();
    const { outcome, afterMs } = await create();
    expect(outcome).toEqual(new WriteFailedError("create key", "timed out"));
    expect(afterMs).toBe(8_800);
    expect(submittedNames()).toEqual([`create-key ${JOB}`, `cancel-creation cancel-${JOB}`]);
  });

  it("waits for the deadline before it resolves a job that failed without a result", async () => {
    plane.jobs.scripts["create-key"] = async (_payload, jobId) => {
      setTimeout(() => plane.addKey({ keyId: 9, job: jobId }), 7_900);
      return { state: "failed", reason: "job stalled more than allowable limit" };
    };
    const { outcome, afterMs } = await create();
    expect(outcome).toMatchObject({ keyId: 9 });
    expect(afterMs).toBe(8_800);
  });

  it("never shows a key that MongoDB makes active after the caller was refused", async () => {
    workerIsSilent();
    plane.jobs.scripts["cancel-creation"] = () => never();
    await create();
    plane.addKey({ keyId: 5, job: JOB });
    plane.addKey({ keyId: 6 });
    expect(await listed()).toEqual([6]);
    expect(await listed({ limit: 1 })).toEqual([6]);
    await expect(new VisibleKeys(callerKeys(plane), refused).get(5)).rejects.toThrow("key 5 not found");
  });

  describe("when a store is away while the outcome is resolved", () => {
    it("stands by the error if MongoDB shows no key and Redis is gone", async () => {
      workerIsSilent();
      plane.jobs.beforeSubmit = fromSecond(8, redisIsAway(false));
      const { outcome, afterMs } = await create();
      expect(outcome).toEqual(new WriteUnavailableError("create key", "the job queue is unavailable"));
      expect(afterMs).toBeLessThanOrEqual(10_000);
    });

    it.each([
      ["is away", mongoIsAway],
      ["hangs", () => never<void>()],
      ["fails in an unknown way", () => Promise.reject(new Error("surprise"))],
    ])("stands by the error if MongoDB %s and the cancellation is durable", async (_name, fail) => {
      workerIsSilent();
      plane.beforeRead = fail;
      const { outcome, afterMs } = await create();
      expect(outcome).toEqual(new WriteUnavailableError("create key", "the key store is unavailable"));
      expect(submittedNames()).toEqual([`create-key ${JOB}`, `cancel-creation cancel-${JOB}`]);
      expect(afterMs).toBeLessThanOrEqual(10_000);
    });

    it("says once that it can't cancel, however often it tries", async () => {
      workerIsSilent();
      let tried = 0;
      plane.jobs.beforeSubmit = fromSecond(1, async () => {
        tried += 1;
        await redisIsAway(false)();
      });
      const scope = requestScope();
      await create(scope);
      const lines = scope.log.lines.filter(({ message }) => message === "could not cancel create jobs");
      expect([lines.length, tried > 3]).toEqual([1, true]);
    });

    it.each([
      ["neither can be reached", mongoIsAway, redisIsAway(false)],
      ["neither answers", () => never<void>(), () => never<void>()],
      ["a reply to the cancellation is lost", mongoIsAway, redisIsAway(true)],
    ])("says nothing at all if %s", async (_name, mongo, redis) => {
      workerIsSilent();
      plane.beforeRead = mongo;
      plane.jobs.beforeSubmit = fromSecond(1, redis);
      const { outcome, afterMs } = await create();
      expect(outcome).toBeInstanceOf(OutcomeUnknownError);
      expect(afterMs).toBeLessThanOrEqual(10_000);
      expect(refused.has(JOB)).toBe(false);
    });

    const redisIsBackAfterMs = (ms: number) => async () => {
      const elapsed = Date.now() - startedAt;
      if (elapsed > 0 && elapsed < ms) await redisIsAway(false)();
    };

    it("cancels as soon as Redis is back within the time that is left", async () => {
      workerIsSilent();
      plane.beforeRead = mongoIsAway;
      plane.jobs.beforeSubmit = redisIsBackAfterMs(9_500);
      const { outcome } = await create();
      expect(outcome).toBeInstanceOf(WriteUnavailableError);
      expect(submittedNames()).toContain(`cancel-creation cancel-${JOB}`);
    });

    it("cancels a batch as soon as Redis is back within the time that is left", async () => {
      plane.jobs.scripts["create-keys"] = () => never();
      plane.jobs.beforeSubmit = redisIsBackAfterMs(9_500);
      const running = createKeys(
        [
          { name: "a", owner: null, terms: {} },
          { name: null, owner: null, terms: {} },
        ],
        requestScope(),
        ports(),
      );
      await vi.runAllTimersAsync();
      const late = { status: "error", error: new WriteFailedError("create key", "timed out") };
      expect(await running).toEqual([late, late]);
      expect(submittedNames()).toEqual(["create-keys create-batch-1", "cancel-creations cancel-create-batch-1"]);
    });
  });
});
