import { describe, expect, it } from "vitest";
import { InMemoryNodeLivesStore } from "../test/index.ts";
import { identifyLife } from "./identify-life.ts";
import { addMark, adoptLife, type Life, type NodeLives } from "./node-lives.ts";
import type { NodeLivesStore } from "./ports.ts";

const BEGIN = 1_700_000_000_000;

/** Nodes as collectors see them, at a time that goes on with every look. */
class Sight {
  readonly lives = new InMemoryNodeLivesStore();
  /** What nodes show that are not looked at. */
  elsewhere = new Set<string>();
  uptimeMs = 1_000;
  #now = BEGIN;

  async look(node: string, mark: string, address = "one:1", store: NodeLivesStore = this.lives): Promise<Life> {
    this.#now += 10_000;
    const now = this.#now;
    const shown = {
      node,
      mark,
      address,
      elsewhere: async () => this.elsewhere,
      startedBefore: async () => now - this.uptimeMs,
    };
    const { life, epoch } = await identifyLife(store, shown, () => now);
    await store.raiseSeen(node, epoch, now);
    return life;
  }
}

/** What version 1.0 stored of a node that it read. */
function readBy10(node: string, mark: string, seenAt: number): NodeLives {
  const epoch = Math.floor(seenAt / 1000);
  return { node, revision: 1, marks: [{ mark, epoch }], restarts: 0, seenAt, seenEpoch: epoch };
}

async function store10(sight: Sight, lives: NodeLives): Promise<void> {
  await sight.lives.replace(null, lives);
  await sight.lives.raiseSeen(lives.node, lives.seenEpoch, lives.seenAt);
}

describe("the life of a process", () => {
  it("is the same under a new name, and the next one is the new name's own", async () => {
    const sight = new Sight();
    const life = await sight.look("main", "m1");
    expect(await sight.look("de-1", "m1")).toEqual(life);
    expect(await sight.look("main", "m1")).toEqual(life);
    const next = await sight.look("de-1", "m2");
    expect(next.node).toBe("de-1");
    expect(await sight.look("main", "m2")).toEqual(next);
  });

  it("is the same at a new address; one that begins there is of a series of its own", async () => {
    const sight = new Sight();
    const life = await sight.look("main", "m1");
    expect(await sight.look("main", "m1", "two:1")).toEqual(life);
    const other = await sight.look("main", "m2", "two:1");
    expect(other.node).toMatch(/^main@\d+$/);
    expect((await sight.look("main", "m3", "two:1")).node).toBe(other.node);
  });

  it.each([
    ["that has just begun", 1_000],
    ["that has been running for long", 3_600_000],
  ])(
    "stays that of the old process when its host name leads to another one %s, which is read first",
    async (_, uptime) => {
      const sight = new Sight();
      const life = await sight.look("main", "m1");
      sight.elsewhere.add("m1");
      sight.uptimeMs = uptime;
      const other = await sight.look("main", "m2");
      expect(other.node).toMatch(/^main@\d+$/);
      expect(await sight.look("old", "m1", "two:1")).toEqual(life);
      expect(await sight.look("main", "m2")).toEqual(other);
    },
  );

  it("stays that of each process when two nodes change names, also over their restarts", async () => {
    const sight = new Sight();
    const [a, b] = [await sight.look("a", "ma", "one:1"), await sight.look("b", "mb", "two:1")];
    expect(await sight.look("b", "ma", "one:1")).toEqual(a);
    expect(await sight.look("a", "mb", "two:1")).toEqual(b);
    const next = await sight.look("a", "mc", "two:1");
    expect([a.node, b.node]).not.toContain(next.node);
    expect(await sight.look("b", "ma", "one:1")).toEqual(a);
  });

  it("is not followed in its series by another one of the node that it was read under before", async () => {
    const sight = new Sight();
    const life = await sight.look("main", "m1");
    await sight.look("old", "m1", "elsewhere:1");
    expect((await sight.look("main", "m2")).node).not.toBe(life.node);
  });

  it("is that which version 1.0 has read it as", async () => {
    const sight = new Sight();
    await store10(sight, readBy10("main", "m1", BEGIN));
    const life = { node: "main", epoch: BEGIN / 1000 };
    expect(await sight.look("main", "m1")).toEqual(life);
    expect(await sight.look("de-1", "m1")).toEqual(life);
  });

  it("is that of the last reading, where version 1.0 has read it under two names", async () => {
    const sight = new Sight();
    await store10(sight, readBy10("main", "m1", BEGIN));
    await store10(sight, readBy10("de-1", "m1", BEGIN + 9_000));
    expect(await sight.look("main", "m1")).toEqual({ node: "de-1", epoch: BEGIN / 1000 + 9 });
  });

  it("is claimed once by twenty collectors under two names", async () => {
    const sight = new Sight();
    const looks = Array.from({ length: 20 }, (_, index) => sight.look(index % 2 === 0 ? "main" : "de-1", "m1"));
    expect(new Set((await Promise.all(looks)).map((life) => JSON.stringify(life))).size).toBe(1);
  });

  it("is kept when the claims of 32 later marks have gone", async () => {
    const sight = new Sight();
    const life = await sight.look("main", "m0");
    await sight.look("de-1", "m0");
    for (let index = 1; index <= 40; index += 1) await sight.look("main", `m${index}`);
    expect(await sight.lives.findClaim("m0")).toBeNull();
    expect(await sight.lives.findClaim("m40")).not.toBeNull();
    expect(await sight.look("de-1", "m0")).toEqual(life);
  });
});

/** A store whose process dies before or after its nth call, and which tells how many there were. */
function dyingAt(
  store: NodeLivesStore,
  call: number,
  moment: "before" | "after",
): NodeLivesStore & { calls(): number } {
  let calls = 0;
  const dying =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls += 1;
      if (calls === call && moment === "before") throw new Error("killed");
      const result = await method.call(store, ...args);
      if (calls === call) throw new Error("killed");
      return result;
    };
  return {
    find: dying(store.find),
    list: dying(store.list),
    names: dying(store.names),
    remove: dying(store.remove),
    replace: dying(store.replace),
    raiseSeen: dying(store.raiseSeen),
    findClaim: dying(store.findClaim),
    claim: dying(store.claim),
    claimInbound: dying(store.claimInbound),
    removeClaims: dying(store.removeClaims),
    calls: () => calls,
  };
}

describe("killed at each step", () => {
  const steps = Array.from({ length: 12 }, (_, index) => index + 1).flatMap((call) =>
    (["before", "after"] as const).map((moment) => [moment, call] as const),
  );

  it.each(steps)(
    "%s call %i, a first reading is repeated as the same life, also under another name",
    async (moment, call) => {
      const sight = new Sight();
      const store = dyingAt(sight.lives, call, moment);
      const first = await sight.look("main", "m1", "one:1", store).catch(() => null);
      const other = await sight.look("de-1", "m1");
      expect(await sight.look("main", "m1")).toEqual(other);
      if (first !== null) expect(first).toEqual(other);
    },
  );

  it.each(steps)("%s call %i, an adoption is repeated, and its series is left", async (moment, call) => {
    const sight = new Sight();
    const life = await sight.look("main", "m1");
    await sight.look("de-1", "m1", "one:1", dyingAt(sight.lives, call, moment)).catch(() => null);
    expect(await sight.look("de-1", "m1")).toEqual(life);
    expect((await sight.look("main", "m2")).node).not.toBe(life.node);
  });
});

it("reads nothing but the claim and the node's lives of a mark that is known", async () => {
  const sight = new Sight();
  await sight.look("main", "m1");
  const store = dyingAt(sight.lives, 100, "before");
  await sight.look("main", "m1", "one:1", store);
  expect(store.calls()).toBe(3);
});

it("corrects a node whose own claim came second", async () => {
  const sight = new Sight();
  const life = await sight.look("main", "m1");
  const process = { node: "de-1", mark: "m1", startedBefore: BEGIN, address: "one:1" };
  const mistaken = addMark(null, process, BEGIN);
  await sight.lives.replace(null, mistaken);
  expect(await sight.look("de-1", "m1")).toEqual(life);
  expect((await sight.lives.find("de-1"))?.marks).toEqual(adoptLife(mistaken, process, life, BEGIN).marks);
});

it("begins nothing anew where what is stored of the node makes no sense", async () => {
  const sight = new Sight();
  await sight.look("eu-1", "mark-1");
  let replaced = 0;
  const store: NodeLivesStore = {
    ...bound(sight.lives),
    list: async () => [],
    find: () => Promise.reject(new RangeError("can't be read")),
    replace: async (...given) => {
      replaced += 1;
      if (replaced > 99) throw new Error("tries again and again");
      return sight.lives.replace(...given);
    },
  };
  await expect(sight.look("eu-1", "mark-2", "one:1", store)).rejects.toThrow("can't be read");
  expect(replaced).toBe(0);
});

function bound(lives: InMemoryNodeLivesStore): NodeLivesStore {
  return {
    find: (node) => lives.find(node),
    list: () => lives.list(),
    names: () => lives.names(),
    remove: (each) => lives.remove(each),
    replace: (before, after) => lives.replace(before, after),
    raiseSeen: (node, epoch, at) => lives.raiseSeen(node, epoch, at),
    findClaim: (mark) => lives.findClaim(mark),
    claim: (mark, life) => lives.claim(mark, life),
    claimInbound: (life, tag) => lives.claimInbound(life, tag),
    removeClaims: (marks) => lives.removeClaims(marks),
  };
}
