import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { addMark, LONGEST_AHEAD_MS, type NodeLives, type NodeLivesStore } from "../src/index.ts";

const NOW = 1_763_923_456_789;

function add(lives: NodeLives | null, node: string, mark: string, now: number): NodeLives {
  return addMark(lives, { node, mark, startedBefore: now, address: "10.0.0.1:10085" }, now);
}

/**
 * Registers what dating the readings of a node relies on in a {@link NodeLivesStore}.
 *
 * @param open the store under test; other nodes may be in it already, and each call may give the same one
 */
export function nodeLivesStoreConformance(open: () => NodeLivesStore): void {
  it("finds nothing of a node that was never seen", async () => {
    expect(await open().find(randomUUID())).toBeNull();
  });

  it("finds what was stored", async () => {
    const [store, node] = [open(), randomUUID()];
    const lives = add(null, node, "a", NOW);
    expect(await store.replace(null, lives)).toBe(true);
    expect(await store.find(node)).toEqual(lives);
    const moved = addMark(lives, { node, mark: "b", startedBefore: NOW, address: "10.0.0.2:10085" }, NOW + 9_000);
    expect(await store.replace(lives, moved)).toBe(true);
    expect(await store.find(node)).toEqual(moved);
    expect(await store.list()).toContainEqual(moved);
  });

  it("of 20 first marks at once exactly one is stored", async () => {
    const [store, node] = [open(), randomUUID()];
    const stored = await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.replace(null, add(null, node, `mark-${index}`, NOW))),
    );
    expect(stored.filter(Boolean)).toHaveLength(1);
  });

  it("of 20 further marks at once exactly one is stored, and what was seen meanwhile stays", async () => {
    const [store, node] = [open(), randomUUID()];
    const first = add(null, node, "a", NOW);
    await store.replace(null, first);
    await store.raiseSeen(node, 7, NOW + 5);
    const stored = await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.replace(first, add(first, node, `mark-${index}`, NOW + 100))),
    );
    expect(stored.filter(Boolean)).toHaveLength(1);
    expect(await store.find(node)).toMatchObject({ revision: 2, restarts: 1, seenAt: NOW + 5, seenEpoch: 7 });
  });

  it("only ever raises the time of the last reading, and makes no node of it", async () => {
    const [store, node] = [open(), randomUUID()];
    await store.raiseSeen(node, 7, NOW);
    expect(await store.find(node)).toBeNull();
    await store.replace(null, add(null, node, "a", NOW));
    for (const [epoch, at] of [
      [8, NOW + 2],
      [7, NOW + 1],
    ] as const)
      await store.raiseSeen(node, epoch, at);
    expect(await store.find(node)).toMatchObject({ seenAt: NOW + 2, seenEpoch: 8, seen: { 7: NOW + 1, 8: NOW + 2 } });
    await store.raiseSeen(node, 7, NOW + 3);
    await store.raiseSeen(node, 8, NOW + 1);
    expect(await store.find(node)).toMatchObject({ seenAt: NOW + 3, seenEpoch: 8, seen: { 7: NOW + 3, 8: NOW + 2 } });
  });

  it("forgets when it read the lives whose marks are forgotten", async () => {
    const [store, node] = [open(), randomUUID()];
    const first = add(null, node, "a", NOW);
    const [mark] = first.marks;
    await store.replace(null, first);
    await store.raiseSeen(node, mark?.epoch ?? 0, NOW);
    await store.raiseSeen(node, 7, NOW);
    const before = await store.find(node);
    expect(before !== null && (await store.replace(before, add(before, node, "b", NOW + 9_000)))).toBe(true);
    expect((await store.find(node))?.seen).toEqual({ [mark?.epoch ?? 0]: NOW });
  });

  it("of 20 claims of one mark at once the first one stands, until it is forgotten", async () => {
    const [store, mark] = [open(), randomUUID()];
    expect(await store.findClaim(mark)).toBeNull();
    const lives = Array.from({ length: 20 }, (_, index) => ({ node: `node-${index}`, epoch: index }));
    const claimed = await Promise.all(lives.map((life) => store.claim(mark, life)));
    expect(new Set(claimed.map(({ node }) => node)).size).toBe(1);
    expect(await store.findClaim(mark)).toEqual(claimed[0]);
    await store.removeClaims([mark, randomUUID()]);
    expect(await store.findClaim(mark)).toBeNull();
  });

  it("of 20 claims of a life's own entries at once the first one stands, beside those of other lives, until its mark is forgotten", async () => {
    const [store, node] = [open(), randomUUID()];
    let lives = add(null, node, "mark-0", NOW);
    await store.replace(null, lives);
    const [{ epoch } = { epoch: 0 }] = lives.marks;
    const tags = Array.from({ length: 20 }, (_, index) => `inbound.${index} $`);
    const [first = "", ...others] = await Promise.all(tags.map((tag) => store.claimInbound({ node, epoch }, tag)));
    expect([tags.includes(first), new Set(others)]).toEqual([true, new Set([first])]);
    expect(await store.claimInbound({ node: `${node}@${epoch}`, epoch: epoch + 9 }, "other")).toBe("other");
    for (let index = 1; index <= 32; index += 1) {
      expect(await store.claimInbound({ node, epoch }, "late")).toBe(first);
      const after = add(lives, node, `mark-${index}`, NOW + index * 9_000);
      expect(await store.replace(lives, after)).toBe(true);
      lives = after;
    }
    expect(await store.claimInbound({ node, epoch }, "late")).toBe("late");
  });

  it("keeps no claim of a life's own entries for a node that has no lives", async () => {
    const [store, node] = [open(), randomUUID()];
    expect(await store.claimInbound({ node, epoch: 7 }, "a")).toBe("a");
    expect([await store.claimInbound({ node, epoch: 7 }, "b"), await store.find(node)]).toEqual(["b", null]);
  });

  it("removes lives, but for those that were read or have changed meanwhile", async () => {
    const [store, node] = [open(), randomUUID()];
    const first = add(null, node, "a", NOW);
    await store.replace(null, first);
    await store.raiseSeen(node, 7, NOW);
    await store.remove(first);
    const seen = await store.find(node);
    if (seen === null) throw new Error("they were read meanwhile, and are gone");
    await store.replace(seen, add(seen, node, "b", NOW + 9_000));
    await store.remove(seen);
    const changed = await store.find(node);
    expect([changed?.marks.length, (await store.names()).includes(node)]).toEqual([2, true]);
    if (changed !== null) await store.remove(changed);
    expect([await store.find(node), (await store.names()).includes(node)]).toEqual([null, false]);
  });

  it("gets over a reading that a clock dated which was a day ahead, and not over one of a minute", async () => {
    const [store, node] = [open(), randomUUID()];
    await store.replace(null, add(null, node, "a", NOW));
    for (const [ahead, seen] of [
      [LONGEST_AHEAD_MS, NOW + LONGEST_AHEAD_MS],
      [86_400_000, NOW],
    ] as const) {
      await store.raiseSeen(node, 7, NOW + ahead);
      await store.raiseSeen(node, 7, NOW);
      expect(await store.find(node)).toMatchObject({ seenAt: seen, seenEpoch: 7, seen: { 7: seen } });
    }
    await store.raiseSeen(node, 7, NOW + 86_400_000);
    await store.raiseSeen(node, 8, NOW);
    expect(await store.find(node)).toMatchObject({ seenAt: NOW, seen: { 7: NOW + 86_400_000, 8: NOW } });
  });
}
