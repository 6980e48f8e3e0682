import { expect, it } from "vitest";
import type { EventLog, LoggedEvent } from "../src/index.ts";
import { someEvent } from "./some-event.ts";

/**
 * Registers what the relay, and those who read events, rely on in an {@link EventLog}.
 *
 * @param open the log under test, and the same log as another process sees it; empty at first, and each call gives the same
 */
export function eventLogConformance(open: () => { readonly log: EventLog; readonly other: EventLog }): void {
  const all = (): Promise<LoggedEvent[]> => open().other.read({ after: 0, limit: 1_000 });
  const last = async (): Promise<number> => (await all()).at(-1)?.seq ?? 0;

  it("holds nothing at first", async () => {
    expect([await all(), await open().log.checkpoint()]).toEqual([[], 0]);
  });

  it("gives back events as they were added, counted without gaps", async () => {
    const events = [
      someEvent({
        type: "key.created",
        at: 1_703_520_001,
        actor: { name: 'касса "$1"', address: "203.0.113.7", requestId: "r-1" },
        keyId: 7,
        owner: "shop",
        data: { key: { key_id: 7, note: null, groups: ["a.b", "$c"] }, before: {} },
      }),
      someEvent({ type: "node.down", subject: "node:main", keyId: null, data: { node: "main" } }),
    ];
    expect(await open().log.append(0, events)).toBe("appended");
    expect(await all()).toEqual(events.map((event, index) => ({ ...event, seq: index + 1 })));
    const tail = events.map(({ id, subject, type }, index) => ({ id, subject, type, seq: index + 1 }));
    expect(await open().other.tail(0, 10)).toMatchObject(tail);
    expect(await open().other.tail(1, 10)).toMatchObject(tail.slice(1));
  });

  it("adds nothing behind an event that is not the last, and keeps what came first", async () => {
    const [before, end] = [await all(), await last()];
    expect(await open().log.append(end - 1, [someEvent(), someEvent()])).toBe("outrun");
    expect(await all()).toEqual(before);
  });

  it("keeps the order of a part of which another process has added the beginning", async () => {
    const [end, own, others] = [await last(), [someEvent(), someEvent()], someEvent()];
    expect(await open().other.append(end, [others])).toBe("appended");
    expect(await open().log.append(end, own)).toBe("outrun");
    expect((await all()).slice(end).map(({ id }) => id)).toEqual([others.id]);
  });

  it("shows no event before those that come before it, while others are being added", async () => {
    const begin = await last();
    let seen = begin;
    let isWriting = true;
    const writing = (async () => {
      for (let seq = begin; seq < begin + 150; seq += 1) await open().log.append(seq, [someEvent()]);
      isWriting = false;
    })();
    const gaps: string[] = [];
    while (isWriting || seen < begin + 150) {
      for (const { seq } of await open().other.read({ after: seen, limit: 50 })) {
        if (seq !== seen + 1) gaps.push(`${seq} after ${seen}`);
        seen = seq;
      }
    }
    await writing;
    expect(gaps).toEqual([]);
  });

  it("lets one of many at once add behind the same event, and none of the others leaves a gap", async () => {
    const end = await last();
    const parts = Array.from({ length: 6 }, () => [someEvent(), someEvent(), someEvent()]);
    const ends = await Promise.all(
      parts.map((part, index) => (index % 2 === 0 ? open().log : open().other).append(end, part)),
    );
    const added = (await all()).slice(end);
    expect(ends.filter((one) => one === "appended").length).toBeLessThanOrEqual(1);
    expect(added.map(({ seq }) => seq)).toEqual(added.map((_, index) => end + index + 1));
    expect(added.length).toBeGreaterThanOrEqual(3);
  });

  it("adds many at once, and reads them page by page", async () => {
    const end = await last();
    const events = Array.from({ length: 700 }, (_, index) => someEvent({ keyId: index }));
    expect(await open().log.append(end, events)).toBe("appended");
    const pages = [
      await open().other.read({ after: end, limit: 400 }),
      await open().other.read({ after: end + 400, limit: 400 }),
      await open().other.read({ after: end + 700, limit: 400 }),
    ];
    expect(pages.map((page) => page.length)).toEqual([400, 300, 0]);
    expect(pages.flat().map(({ keyId, seq }) => [keyId, seq])).toEqual(
      events.map((_, index) => [index, end + index + 1]),
    );
  });

  it("finds events by type, actor, key and owner, all that is named", async () => {
    const end = await last();
    const actor = (name: string) => ({ name, address: null, requestId: null });
    const events = [
      someEvent({ type: "key.deleted", actor: actor("one"), keyId: 5, owner: "a" }),
      someEvent({ type: "key.deleted", actor: actor("two"), keyId: 5 }),
      someEvent({ type: "key.created", actor: actor("one"), keyId: 6, owner: "a" }),
      someEvent({ type: "key.created", actor: actor("one"), keyId: 5, owner: "b" }),
    ];
    await open().log.append(end, events);
    const found = async (query: object) =>
      (await open().other.read({ after: end, limit: 10, ...query })).map(({ seq }) => seq - end);
    expect(await found({ type: "key.deleted" })).toEqual([1, 2]);
    expect(await found({ actor: "one" })).toEqual([1, 3, 4]);
    expect(await found({ keyId: 5 })).toEqual([1, 2, 4]);
    expect(await found({ owner: "a" })).toEqual([1, 3]);
    expect(await found({ type: "key.created", actor: "one", keyId: 5 })).toEqual([4]);
    expect(await found({ keyId: 5, limit: 1 })).toEqual([1]);
  });

  it("only ever raises the checkpoint", async () => {
    await open().log.raiseCheckpoint(5);
    await open().other.raiseCheckpoint(3);
    expect([await open().log.checkpoint(), await open().other.checkpoint()]).toEqual([5, 5]);
  });

  it("drops what is old, keeps the last event, and goes on counting", async () => {
    const end = await last();
    const old = Array.from({ length: 350 }, () => someEvent({ at: 1_000 }));
    await open().log.append(end, [...old, someEvent({ at: 4_000_000_000 }), someEvent({ at: 1_000 })]);
    expect(await open().log.drop(2_000_000_000, 4_000_000_000)).toBe(end + 350);
    expect(await open().log.drop(2_000_000_000, 4_000_000_000)).toBe(0);
    expect((await all()).map(({ seq }) => seq - end)).toEqual([351, 352]);
    expect(await open().other.read({ after: 3, limit: 1 })).toHaveLength(1);
    expect(await open().log.drop(5_000_000_000, 5_000_000_000)).toBe(1);
    const rest = await all();
    expect(rest.map(({ seq }) => seq - end)).toEqual([352]);
    expect(await open().log.append(end + 352, [someEvent()])).toBe("appended");
  });

  it("is kept from dropping by no event that is dated ahead, and drops none that may be new", async () => {
    const end = await last();
    const dated = (count: number, at: number) => Array.from({ length: count }, () => someEvent({ at }));
    const [old, ahead] = [1_000, 9_000_000_000];
    const recent = dated(3, 2_500_000_000);
    const first = (await all())[0]?.seq ?? end;
    await open().log.append(end, [
      ...dated(2, old),
      ...dated(450, ahead),
      ...dated(2, old),
      ...dated(300, ahead),
      ...recent,
    ]);
    expect(await open().log.drop(2_000_000_000, 3_000_000_000)).toBe(end - first + 1 + 454);
    expect(await open().log.drop(2_000_000_000, 3_000_000_000)).toBe(0);
    expect((await all()).map(({ seq }) => seq - end)).toEqual(Array.from({ length: 303 }, (_, index) => 455 + index));
    expect(await open().log.drop(2_600_000_000, 3_000_000_000)).toBe(302);
  });
}
