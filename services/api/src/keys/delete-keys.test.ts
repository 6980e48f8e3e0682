import { QueueUnavailableError } from "@veil/job-queue";
import { StoreUnavailableError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { callerKeys, requestScope } from "../../test/in-memory/request-scope.ts";
import { timerClock } from "../../test/in-memory/timer-clock.ts";
import {
  KeyNotFoundError,
  WriteFailedError,
  WriteUnavailableError,
  WriteIndeterminateUnavailableError,
} from "../errors.ts";
import { deleteKey } from "./delete-keys.ts";
import { RefusedCreations, VisibleKeys } from "./visible-keys.ts";

const JOB = "delete-1";

describe("deleteKey", () => {
  let plane: InMemoryPlane;

  beforeEach(() => {
    vi.useFakeTimers();
    plane = new InMemoryPlane();
    plane.addKey({ keyId: 1 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function remove(keyId = 1): Promise<{ outcome: unknown; afterMs: number }> {
    const ports = {
      keys: callerKeys(plane),
      visibleKeys: new VisibleKeys(callerKeys(plane), new RefusedCreations()),
      jobs: plane.jobs,
      clock: timerClock,
      newId: () => "1",
      writeDeadlineMs: 10_000,
      storeIsUp: () => true,
    };
    const startedAt = Date.now();
    let afterMs = 0;
    const running = deleteKey(keyId, requestScope(), ports)
      .then(() => "deleted")
      .catch((error: unknown) => error)
      .finally(() => {
        afterMs = Date.now() - startedAt;
      });
    await vi.runAllTimersAsync();
    return { outcome: await running, afterMs };
  }

  const silentWorkerThat = (act: () => void) => {
    plane.jobs.scripts["delete-key"] = () => {
      act();
      return never();
    };
  };

  it("deletes through a job of its own", async () => {
    expect((await remove()).outcome).toBe("deleted");
    expect(plane.jobs.submitted).toMatchObject([{ name: "delete-key", jobId: JOB, payload: { key_id: 1 } }]);
  });

  it.each([[2], [0]])("finds no key %d and enqueues nothing", async (keyId) => {
    expect((await remove(keyId)).outcome).toEqual(new KeyNotFoundError(keyId));
    expect(plane.jobs.submitted).toEqual([]);
  });

  it("finds no key that is being deleted", async () => {
    plane.addKey({ keyId: 1, phase: "deleting", deleter: "delete-0" });
    expect((await remove()).outcome).toBeInstanceOf(KeyNotFoundError);
  });

  it("passes on that another deletion was first", async () => {
    plane.jobs.scripts["delete-key"] = () => finished<"delete-key">({ outcome: "not-found" });
    expect((await remove()).outcome).toBeInstanceOf(KeyNotFoundError);
  });

  it.each([
    ["unavailable", WriteUnavailableError],
    ["failed", WriteFailedError],
  ] as const)("passes the worker's refusal on: %s", async (outcome, errorClass) => {
    plane.jobs.scripts["delete-key"] = () => finished<"delete-key">({ outcome, detail: "the deadline has passed" });
    expect((await remove()).outcome).toEqual(new errorClass("delete key", "the deadline has passed"));
  });

  it("fails at once while Redis is known to be away", async () => {
    plane.jobs.beforeSubmit = async () => {
      throw new QueueUnavailableError(false, new Error("ECONNREFUSED"));
    };
    const { outcome, afterMs } = await remove();
    expect(outcome).toEqual(new WriteUnavailableError("delete key", "the job queue is unavailable"));
    expect(afterMs).toBe(0);
  });

  it("fails while MongoDB is away", async () => {
    plane.beforeRead = async () => {
      throw new StoreUnavailableError(new Error("no primary"));
    };
    const { outcome } = await remove();
    expect(outcome).toEqual(new WriteUnavailableError("delete key", "the key store is unavailable"));
  });

  describe("without the worker's word", () => {
    it("succeeds when this job made the key gone", async () => {
      silentWorkerThat(() => plane.addKey({ keyId: 1, phase: "gone", deleter: JOB }));
      const { outcome, afterMs } = await remove();
      expect([outcome, afterMs]).toEqual(["deleted", 8_800]);
    });

    it("asks to try again when this job hid the key and a node may still hold it", async () => {
      silentWorkerThat(() => plane.addKey({ keyId: 1, phase: "deleting", deleter: JOB }));
      const { outcome } = await remove();
      expect(outcome).toEqual(
        new WriteIndeterminateUnavailableError("delete key", "deletion accepted; removal from Xray pending"),
      );
    });

    it("finds no key when another job is its deleter", async () => {
      silentWorkerThat(() => plane.addKey({ keyId: 1, phase: "deleting", deleter: "delete-0" }));
      expect((await remove()).outcome).toBeInstanceOf(KeyNotFoundError);
    });

    it("fails when the key is still active", async () => {
      silentWorkerThat(() => undefined);
      expect((await remove()).outcome).toEqual(new WriteFailedError("delete key", "timed out"));
    });

    it.each([
      ["is away", () => Promise.reject(new StoreUnavailableError(new Error("no primary")))],
      ["hangs", () => never<void>()],
    ])("asks to try again when MongoDB %s", async (_name, fail) => {
      silentWorkerThat(() => {
        plane.beforeRead = fail;
      });
      const { outcome, afterMs } = await remove();
      expect(outcome).toBeInstanceOf(WriteUnavailableError);
      expect(afterMs).toBeLessThanOrEqual(10_000);
    });
  });
});
