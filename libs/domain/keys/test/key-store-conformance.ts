import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { GroupedNode, HandEntry, KeyStore } from "../src/index.ts";
import { manyHandsConformance } from "./many-hands-conformance.ts";
import { activeKey, claimKey, creationRequest, decisionOf, goneKey, idsOf, unchanged } from "./stored-keys.ts";

const MISSING = 1_999_999;

/**
 * Registers what the protocol of keys relies on in a {@link KeyStore}.
 *
 * @param open the store under test; other keys may be in it already, and each call may give the same one
 */
export function keyStoreConformance(open: () => KeyStore): void {
  describe("claims", () => {
    it("hands out each key id once, also to 200 claims at once", async () => {
      const store = open();
      const ids = idsOf(await Promise.all(Array.from({ length: 200 }, () => claimKey(store))));
      expect(new Set(ids).size).toBe(200);
      expect(Math.min(...ids)).toBeGreaterThanOrEqual(1);
    });

    it("never reuses an id: a later claim's is larger, also after the key is gone", async () => {
      const store = open();
      const gone = await goneKey(store);
      expect((await claimKey(store)).keyId).toBeGreaterThan(gone.keyId);
    });

    it("keeps the first claim of a job: a second delivery finds it, whatever it asks for", async () => {
      const store = open();
      const first = await claimKey(store, { name: "пользователь", flow: "xtls-rprx-vision" });
      expect(await store.claim(creationRequest({ job: first.job, name: "other" }))).toEqual(first);
      expect(await store.findCreation(first.job)).toEqual(first);
    });

    it("keeps one claim of 20 deliveries of a job at once", async () => {
      const store = open();
      const job = `create-${randomUUID()}`;
      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(creationRequest({ job }))));
      expect(new Set(claims.map((claim) => `${claim?.keyId} ${claim?.uuid}`)).size).toBe(1);
    });

    it("finds no claim of a job that made none", async () => {
      expect(await open().findCreation(`create-${randomUUID()}`)).toBeNull();
    });

    it("never lets a job claim that was forbidden first", async () => {
      const store = open();
      const job = `create-${randomUUID()}`;
      expect(await store.forbid(job)).toBeNull();
      expect(await store.claim(creationRequest({ job }))).toBeNull();
      expect(await store.findCreation(job)).toBeNull();
      expect(await store.forbid(job)).toBeNull();
    });

    it("shows a claim to whoever forbids its job too late", async () => {
      const store = open();
      const claimed = await claimKey(store);
      expect(await store.forbid(claimed.job)).toEqual(claimed);
      expect(await store.findCreation(claimed.job)).toEqual(claimed);
    });
  });

  describe("decisions", () => {
    it("keeps every attribute of a key", async () => {
      const store = open();
      const claimed = await claimKey(store, { name: "Ключ 🔑", owner: "магазин", flow: "xtls-rprx-vision" });
      const { keyId, uuid, flow, name, owner, createdAt, job } = claimed;
      const attributes = { keyId, uuid, flow, name, owner, createdAt, job };
      const decided = await store.decide(decisionOf(claimed, { indeterminate: ["main"] }));
      expect(decided).toEqual({
        ...attributes,
        phase: "active",
        activated: true,
        cancelled: false,
        deleter: null,
        indeterminate: ["main"],
        ...unchanged(claimed),
      });
      expect(await store.find(keyId)).toEqual(decided);
    });

    it("lets the first insert decide: a later decision changes nothing and sees the first", async () => {
      const store = open();
      const claimed = await claimKey(store);
      await store.decide(decisionOf(claimed, { phase: "deleting" }));
      const second = await store.decide(decisionOf(claimed, { indeterminate: ["main"] }));
      expect(second).toMatchObject({ phase: "deleting", activated: false, indeterminate: [] });
      expect(await store.find(claimed.keyId)).toEqual(second);
    });

    it("lets one of 30 decisions at once stand, and shows it to all", async () => {
      const store = open();
      const claimed = await claimKey(store);
      const decisions = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          store.decide(decisionOf(claimed, { phase: index % 2 === 0 ? "active" : "deleting" })),
        ),
      );
      expect(new Set(decisions.map(({ phase }) => phase)).size).toBe(1);
    });

    it("finds no key that nobody decided, and makes none by changing it", async () => {
      const store = open();
      await store.markIndeterminate(MISSING, "main");
      await store.clearIndeterminate(MISSING, "main");
      await store.finishDeletion(MISSING);
      expect(await store.beginDeletion(MISSING, "delete-a")).toBeNull();
      expect(await store.cancel(MISSING, ["main"])).toBeNull();
      expect(await store.takeUp(MISSING, { hand: "a", inPlaceOf: null, indeterminate: ["main"] })).toBeNull();
      await store.letGo(MISSING, ["a"], { clear: ["main"], converged: ["main"] });
      expect(await store.find(MISSING)).toBeNull();
    });
  });

  describe("phases", () => {
    it("keeps the first deleter, also of several at once", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      const jobs = Array.from({ length: 10 }, (_, index) => `delete-${index}`);
      const ends = await Promise.all(jobs.map((job) => store.beginDeletion(keyId, job)));
      const deleters = new Set(ends.map((end) => end?.deleter));
      expect(deleters.size).toBe(1);
      const [first] = deleters;
      expect(await store.beginDeletion(keyId, "delete-late")).toMatchObject({ phase: "deleting", deleter: first });
    });

    it("never lowers a phase: a deletion or a cancellation that comes late leaves the key gone", async () => {
      const store = open();
      const { keyId } = await goneKey(store);
      expect(await store.beginDeletion(keyId, "delete-b")).toMatchObject({ phase: "gone", deleter: "delete-a" });
      expect(await store.cancel(keyId, [])).toMatchObject({ phase: "gone" });
    });

    it("keeps a cancellation beside the phase, without a deleter, and marks the nodes", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      const cancelled = await store.cancel(keyId, ["main"]);
      expect(cancelled).toMatchObject({ phase: "deleting", activated: true, cancelled: true, deleter: null });
      expect(cancelled?.indeterminate).toEqual(["main"]);
      expect(await store.find(keyId)).toEqual(cancelled);
    });

    it("takes every step twice without harm", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      for (let time = 0; time < 2; time += 1) {
        await store.markIndeterminate(keyId, "main");
        await store.beginDeletion(keyId, "delete-a");
        await store.finishDeletion(keyId);
      }
      expect(await store.find(keyId)).toMatchObject({ phase: "gone", deleter: "delete-a", indeterminate: ["main"] });
    });
  });

  it("marks nodes one by one", async () => {
    const store = open();
    const { keyId } = await activeKey(store);
    await store.markIndeterminate(keyId, "main");
    await store.markIndeterminate(keyId, "second-node");
    await store.clearIndeterminate(keyId, "main");
    expect((await store.find(keyId))?.indeterminate).toEqual(["second-node"]);
  });

  describe("hands", () => {
    const entry = (hand: string, overrides: Partial<HandEntry> = {}): HandEntry => ({
      hand,
      inPlaceOf: null,
      indeterminate: [],
      ...overrides,
    });

    it("shows to whoever enters a hand all that are there, also of several at once", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      const hands = Array.from({ length: 10 }, (_, index) => `hand-${index}`);
      const found = await Promise.all(hands.map((hand) => store.takeUp(keyId, entry(hand))));
      for (const [index, key] of found.entries()) expect(key?.hands).toContain(hands[index]);
      const seen = found.map((key) => new Set(key?.hands));
      for (const [one, mine] of seen.entries()) {
        for (const [other, theirs] of seen.entries()) {
          expect(mine.has(`hand-${other}`) || theirs.has(`hand-${one}`)).toBe(true);
        }
      }
      await store.letGo(keyId, hands);
      expect((await store.takeUp(keyId, entry("last")))?.hands).toEqual(["last"]);
    });

    it("puts a hand in the place of another one, and marks nodes in the same step", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      await store.takeUp(keyId, entry("first"));
      const found = await store.takeUp(keyId, entry("second", { inPlaceOf: "first", indeterminate: ["b", "main"] }));
      expect(found).toMatchObject({ hands: ["second"], indeterminate: ["b", "main"], phase: "active" });
    });

    it("enters the hand of a deletion as it begins, and takes it out as it ends", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      const begun = await store.beginDeletion(keyId, "delete-a", entry("mine", { indeterminate: ["main"] }));
      expect(begun).toMatchObject({ phase: "deleting", hands: ["mine"], clear: [], indeterminate: ["main"] });
      await store.finishDeletion(keyId, ["mine"], { clear: ["main"], converged: ["main"] });
      const after = await store.takeUp(keyId, entry("later"));
      expect(after).toMatchObject({ phase: "gone", hands: ["later"], clear: ["main"], indeterminate: [] });
    });

    it("notes for the sweep which nodes are clear", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      await store.beginDeletion(keyId, "delete-a", entry("mine", { indeterminate: ["a", "b"] }));
      await store.letGo(keyId, ["mine"], { clear: ["a", "b"], converged: ["a"] });
      const left = (await store.findUncleared(grouped("a", "b"), Date.now())).find((key) => key.keyId === keyId);
      expect(left).toMatchObject({ hands: [], clear: ["a", "b"], indeterminate: ["b"] });
    });

    it("keeps which nodes a refused key never reached", async () => {
      const store = open();
      const claimed = await claimKey(store);
      const refused = { phase: "deleting", indeterminate: ["a"], clear: ["b"] } as const;
      await store.decide(decisionOf(claimed, refused));
      const [left] = (await store.findUncleared(grouped("a", "b"), Date.now())).filter(
        ({ keyId }) => keyId === claimed.keyId,
      );
      expect(left).toMatchObject({ clear: ["b"], indeterminate: ["a"] });
    });
  });

  manyHandsConformance(open);

  describe("what is left to finish", () => {
    it("finds an overdue claim until it is decided", async () => {
      const store = open();
      const late = await claimKey(store, { deadline: Date.now() - 60_000 });
      const early = await claimKey(store, { deadline: Date.now() + 60_000 });
      const overdue = await store.findOverdue(Date.now());
      expect(overdue).toContainEqual(late);
      expect(overdue).not.toContainEqual(early);
      await store.decide(decisionOf(late, { phase: "deleting", indeterminate: ["main"] }));
      expect(await store.findOverdue(Date.now())).not.toContainEqual(late);
    });

    it("never finds the claim of a forbidden job overdue", async () => {
      const store = open();
      const job = `create-${randomUUID()}`;
      await store.forbid(job);
      expect((await store.findOverdue(Date.now())).map((claim) => claim.job)).not.toContain(job);
    });

    it("finds keys under deletion until they are gone", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      expect(idsOf(await store.findUncleared(grouped("main"), Date.now()))).not.toContain(keyId);
      await store.beginDeletion(keyId, "delete-a");
      expect(idsOf(await store.findUncleared(grouped("main"), Date.now()))).toContain(keyId);
      await store.finishDeletion(keyId);
      expect(idsOf(await store.findUncleared(grouped("main"), Date.now()))).not.toContain(keyId);
    });

    it("finds a key in service that one of the nodes may still hold, where its groups don't meet the node's", async () => {
      const store = open();
      const { keyId } = await activeKey(store);
      await store.markIndeterminate(keyId, "main");
      const isFoundAt = async (groups: readonly string[]) =>
        idsOf(await store.findUncleared([{ name: "main", groups }], Date.now())).includes(keyId);
      expect([await isFoundAt(["default", "vip"]), await isFoundAt(["vip"]), await isFoundAt([])]).toEqual([
        false,
        true,
        true,
      ]);
    });

    it("finds the same among some keys alone", async () => {
      const store = open();
      const [active, deleting, left, other] = [
        await activeKey(store),
        await activeKey(store),
        await goneKey(store),
        await activeKey(store),
      ];
      await store.beginDeletion(deleting.keyId, "delete-a");
      await store.beginDeletion(other.keyId, "delete-a");
      await store.markIndeterminate(left.keyId, "main");
      await store.markIndeterminate(active.keyId, "main");
      const among = [active, deleting, left].map(({ keyId }) => keyId);
      const found = idsOf(await store.findUncleared(grouped("main"), Date.now(), [...among, 0]));
      expect(found.toSorted((a, b) => a - b)).toEqual([deleting.keyId, left.keyId].toSorted((a, b) => a - b));
      expect(await store.findUncleared(grouped("main"), Date.now(), [])).toEqual([]);
    });

    it("finds a key that is gone while one of the nodes may still hold it", async () => {
      const store = open();
      const { keyId } = await goneKey(store);
      await store.markIndeterminate(keyId, "main");
      expect(idsOf(await store.findUncleared(grouped("other", "main"), Date.now()))).toContain(keyId);
      expect(idsOf(await store.findUncleared(grouped("other"), Date.now()))).not.toContain(keyId);
      await store.clearIndeterminate(keyId, "main");
      expect(idsOf(await store.findUncleared(grouped("other", "main"), Date.now()))).not.toContain(keyId);
    });
  });
}

function grouped(...names: readonly string[]): GroupedNode[] {
  return names.map((name) => ({ name, groups: ["default"] }));
}
