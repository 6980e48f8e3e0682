import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { WriteRecords } from "../src/idempotency/write-records.ts";
import type { Outcome } from "../src/reply/reply.ts";

const outcome: Outcome = { status: 200, body: { key_id: 1 }, headers: { "X-A": "b" } };
const request = { fingerprint: "f", request: '{"a":1}', startedAt: 1_700_000_000_000, leaseMs: 60_000 };

/**
 * Registers what requests that share a write rely on in {@link WriteRecords}.
 *
 * @param open the records under test; other writes may be in them already, and each call may give the same ones
 */
export function writeRecordsConformance(open: () => WriteRecords): void {
  it("has one leader, and followers in its attempt", async () => {
    const [records, w] = [open(), randomUUID()];
    const all = await Promise.all(["a", "b", "c"].map((participant) => records.join(w, { ...request, participant })));
    expect(all.map(({ role }) => role).toSorted()).toEqual(["follower", "follower", "leader"]);
    expect(all).toEqual(all.map(({ role }) => ({ role, attempt: 1, startedAt: request.startedAt })));
    expect(await records.join(w, { ...request, participant: "d", fingerprint: "g" })).toEqual({
      role: "key-mismatch",
    });
  });

  it("keeps the first outcome", async () => {
    const [records, w] = [open(), randomUUID()];
    await records.join(w, { ...request, participant: "a" });
    expect(await records.complete(w, { participant: "b", attempt: 1, outcome, end: "final" })).toEqual({
      state: "granted",
    });
    const other = { ...outcome, status: 500 };
    expect(await records.complete(w, { participant: "a", attempt: 1, outcome: other, end: "retryable" })).toEqual({
      state: "completed",
      outcome,
    });
    expect(await records.join(w, { ...request, participant: "c" })).toEqual({ role: "replay", outcome });
    expect(await records.claimOutcome(w, "a", 1, 1_000)).toEqual({ state: "completed", outcome });
    expect(await records.read(w)).toMatchObject({ outcome, attempt: 1, abandoned: false, request: "" });
  });

  it("begins another attempt after a retryable outcome", async () => {
    const [records, w] = [open(), randomUUID()];
    await records.join(w, { ...request, participant: "a" });
    await records.complete(w, { participant: "a", attempt: 1, outcome, end: "retryable" });
    const joined = await records.join(w, { ...request, participant: "b", startedAt: 5 });
    expect(joined).toEqual({ role: "leader", attempt: 2, startedAt: 5 });
    expect(await records.complete(w, { participant: "a", attempt: 1, outcome, end: "final" })).toEqual({
      state: "gone",
    });
    expect(await records.claimOutcome(w, "a", 1, 1_000)).toEqual({ state: "gone" });
  });

  it("lets nobody complete what another one resolves", async () => {
    const [records, w] = [open(), randomUUID()];
    await records.join(w, { ...request, participant: "a" });
    expect(await records.claimOutcome(w, "b", 1, 1_000)).toMatchObject({ state: "wait" });
    expect(await records.claimOutcome(w, "a", 1, 60_000)).toEqual({ state: "granted" });
    expect(await records.complete(w, { participant: "b", attempt: 1, outcome, end: "final" })).toMatchObject({
      state: "wait",
    });
    expect(await records.complete(w, { participant: "a", attempt: 1, outcome, end: "final" })).toEqual({
      state: "granted",
    });
  });

  it("gives the lead of one that ended to a takeover, in the same attempt", async () => {
    const [records, w] = [open(), randomUUID()];
    await records.join(w, { ...request, participant: "a" });
    await records.release(w, "b");
    expect((await records.join(w, { ...request, participant: "b" })).role).toBe("follower");
    await records.release(w, "a");
    expect(await records.read(w)).toMatchObject({ abandoned: true, outcome: null });
    expect(await records.join(w, { ...request, participant: "c", startedAt: 9 })).toEqual({
      role: "takeover",
      attempt: 1,
      startedAt: request.startedAt,
    });
  });

  it("keeps a long outcome as it is", async () => {
    const [records, w] = [open(), randomUUID()];
    const keys = Array.from({ length: 1_000 }, (_, n) => ({ uuid: randomUUID(), name: `Ключ 🔑 ${n}` }));
    const long = { ...outcome, body: { keys } };
    await records.join(w, { ...request, participant: "a" });
    await records.complete(w, { participant: "a", attempt: 1, outcome: long, end: "final" });
    expect(await records.join(w, { ...request, participant: "b" })).toEqual({ role: "replay", outcome: long });
    expect(await records.claimOutcome(w, "a", 1, 1_000)).toEqual({ state: "completed", outcome: long });
    expect((await records.read(w))?.outcome).toEqual(long);
  });

  it("forgets an attempt for its leader alone, and as long as it has no outcome", async () => {
    const [records, w] = [open(), randomUUID()];
    await records.join(w, { ...request, participant: "a" });
    await records.forget(w, "b", 1);
    await records.forget(w, "a", 2);
    expect(await records.read(w)).not.toBeNull();
    await records.forget(w, "a", 1);
    expect(await records.read(w)).toBeNull();
    expect(await records.complete(w, { participant: "b", attempt: 1, outcome, end: "final" })).toEqual({
      state: "gone",
    });
    await records.join(w, { ...request, participant: "c", fingerprint: "other" });
    await records.complete(w, { participant: "c", attempt: 1, outcome, end: "final" });
    await records.forget(w, "c", 1);
    expect((await records.read(w))?.outcome).toEqual(outcome);
  });

  it("never gives the number of an attempt twice, since jobs are named after it", async () => {
    const [records, w] = [open(), randomUUID()];
    await records.join(w, { ...request, participant: "a" });
    await records.complete(w, { participant: "a", attempt: 1, outcome, end: "retryable" });
    await records.join(w, { ...request, participant: "b" });
    await records.forget(w, "b", 2);
    expect(await records.join(w, { ...request, participant: "c" })).toMatchObject({ role: "leader", attempt: 3 });
  });

  it("knows nothing of other writes", async () => {
    expect(await open().read(randomUUID())).toBeNull();
    expect(await open().claimOutcome(randomUUID(), "a", 1, 1)).toEqual({ state: "gone" });
  });
}
