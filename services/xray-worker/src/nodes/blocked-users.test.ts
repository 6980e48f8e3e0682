import { firstTerms, type KeyRecord } from "@veil/keys";
import { createLogger, ManualClock } from "@veil/runtime";
import { XrayRejectedError, XrayUnreachableError } from "@veil/xray-grpc";
import { beforeEach, describe, expect, it } from "vitest";
import { BlockedUsers } from "./blocked-users.ts";

const HOUR_MS = 3_600_000;

/** The rules and counters of a node, and how its next calls fail. */
class RuleBook {
  readonly name = "test";
  readonly rules = new Set<string>();
  readonly counters = new Map<string, number>();
  failure: Error | null = null;
  mostRules = 0;

  async blockUsers(emails: readonly string[]): Promise<void> {
    if (this.failure !== null) throw this.failure;
    for (const email of emails) this.rules.add(email);
    this.mostRules = Math.max(this.mostRules, this.rules.size);
  }
  async unblockUsers(emails: readonly string[]): Promise<void> {
    if (this.failure !== null) throw this.failure;
    for (const email of emails) this.rules.delete(email);
  }
  async listBlockedUsers(): Promise<string[]> {
    if (this.failure !== null) throw this.failure;
    return [...this.rules];
  }
  async readCounter(name: string): Promise<number | null> {
    return this.counters.get(name) ?? null;
  }
}

const TERMS = firstTerms({}, { createdAt: 1_000, nextResetAt: null });
let node: RuleBook;
let clock: ManualClock;
let active: Set<number>;
let warnings: string[];

beforeEach(() => {
  node = new RuleBook();
  clock = new ManualClock(1_000_000);
  active = new Set();
  warnings = [];
});

/** The memory of a worker that has just started. */
function newProcess(groups: { readonly names: readonly string[] } = { names: ["default"] }): BlockedUsers {
  const find = async (keyId: number) =>
    ({ keyId, phase: active.has(keyId) ? "active" : "gone", terms: TERMS }) as KeyRecord;
  const log = createLogger({ service: "test", version: "0", level: "silent" });
  log.warn = (fields: object) => warnings.push(String((fields as { err: Error }).err.name));
  return new BlockedUsers({ node, groups, store: { find }, clock, log });
}

async function blockMany(blocked: BlockedUsers, from: number, to: number): Promise<void> {
  for (let keyId = from; keyId <= to; keyId += 1) await blocked.block([`${keyId}@veil`]);
}

describe("a block", () => {
  it("ends after an hour in which its user's counters stood still", async () => {
    const blocked = newProcess();
    await blocked.block(["1@veil"]);
    await blocked.tidy();
    await clock.advance(HOUR_MS - 1);
    await blocked.tidy();
    expect(node.rules).toEqual(new Set(["1@veil"]));
    await clock.advance(1);
    await blocked.tidy();
    expect(node.rules).toEqual(new Set());
    expect(blocked.size).toBe(0);
  });

  it("ends when its key is wanted there since the node came into other groups", async () => {
    active.add(1);
    const groups = { names: ["vip"] };
    const blocked = newProcess(groups);
    await blocked.block(["1@veil", "2@veil"]);
    await blocked.tidy();
    expect(node.rules).toEqual(new Set(["1@veil", "2@veil"]));
    groups.names = ["default", "vip"];
    await blocked.tidy();
    expect(node.rules).toEqual(new Set(["2@veil"]));
  });

  it.each(["uplink", "downlink"])("stands as long as there is %s in every hour", async (direction) => {
    const blocked = newProcess();
    await blocked.block(["1@veil"]);
    await blocked.tidy();
    for (let hour = 1; hour <= 3; hour += 1) {
      await clock.advance(HOUR_MS);
      node.counters.set(`user>>>1@veil>>>traffic>>>${direction}`, hour);
      await blocked.tidy();
      expect(node.rules).toEqual(new Set(["1@veil"]));
    }
    await clock.advance(HOUR_MS);
    await blocked.tidy();
    expect(node.rules).toEqual(new Set());
  });

  it("that another process made ends as its own do, counted from when it was seen", async () => {
    await newProcess().block(["1@veil"]);
    const successor = newProcess();
    await successor.tidy();
    await clock.advance(HOUR_MS);
    await successor.tidy();
    expect(node.rules).toEqual(new Set());
  });

  it("of a key that is active in other groups stands, until the node is in one of these", async () => {
    const names = ["vip"];
    const blocked = newProcess({ names });
    await blocked.block(["1@veil"]);
    active.add(1);
    await blocked.tidy();
    expect(node.rules).toEqual(new Set(["1@veil"]));
    names.push("default");
    await newProcess({ names }).tidy();
    expect(node.rules).toEqual(new Set());
  });

  it("of a key that is active after all ends at the next look", async () => {
    const blocked = newProcess();
    await blockMany(blocked, 1, 3);
    active.add(2);
    await blocked.tidy();
    expect(node.rules).toEqual(new Set(["1@veil", "3@veil"]));
  });
});

describe("of more than 1,000 blocks", () => {
  it("the oldest end at once, a hundred together", async () => {
    const blocked = newProcess();
    await blockMany(blocked, 1, 1_000);
    expect(node.rules.size).toBe(1_000);
    await blocked.block(["1001@veil"]);
    expect(node.rules.size).toBe(900);
    expect([...node.rules][0]).toBe("102@veil");
  });

  it("as many are blocked together as there may be, and room is made for them before", async () => {
    const blocked = newProcess();
    const emails = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => `${from + index}@veil`);
    await blocked.block(emails(1, 1_000));
    await blocked.block(emails(1_001, 2_000));
    expect(node.rules).toEqual(new Set(emails(1_001, 2_000)));
    await blocked.block(emails(2_001, 3_500));
    expect(node.rules).toEqual(new Set(emails(2_501, 3_500)));
    await blocked.block(emails(4_001, 4_150));
    expect([node.rules.size, node.mostRules, blocked.size]).toEqual([900, 1_000, 900]);
  });

  it("those end first that are quiet for the longest time", async () => {
    const blocked = newProcess();
    await blockMany(blocked, 1, 1_000);
    await blocked.tidy();
    await clock.advance(HOUR_MS);
    for (let keyId = 1; keyId <= 1_000; keyId += 1) {
      if (keyId !== 500) node.counters.set(`user>>>${keyId}@veil>>>traffic>>>uplink`, 7);
    }
    await blocked.tidy();
    expect(node.rules.size).toBe(999);
    await blockMany(blocked, 1_001, 1_002);
    expect(node.rules.size).toBe(900);
    expect(node.rules.has("101@veil")).toBe(false);
    expect(node.rules.has("102@veil")).toBe(true);
  });

  it("the oldest end at the next look of a process that did not make them", async () => {
    for (let keyId = 1; keyId <= 1_500; keyId += 1) node.rules.add(`${keyId}@veil`);
    await newProcess().tidy();
    expect(node.rules.size).toBe(900);
    expect([...node.rules][0]).toBe("601@veil");
  });
});

describe("a node", () => {
  it("that can't block is complained of once, and again when it had been able to meanwhile", async () => {
    const blocked = newProcess();
    node.failure = new XrayRejectedError("test", "blockUsers", 12, "unknown service");
    await blockMany(blocked, 1, 3);
    await blocked.tidy();
    expect(warnings).toEqual(["XrayRejectedError"]);
    expect(blocked.size).toBe(0);
    node.failure = null;
    await blocked.block(["4@veil"]);
    node.failure = new XrayRejectedError("test", "blockUsers", 12, "unknown service");
    await blocked.block(["5@veil"]);
    expect(warnings).toEqual(["XrayRejectedError", "XrayRejectedError"]);
  });

  it("that is away is no reason to complain here", async () => {
    const blocked = newProcess();
    node.failure = new XrayUnreachableError("test", "blockUsers", "no-connection", "refused");
    await blocked.block(["1@veil"]);
    await blocked.tidy();
    expect(warnings).toEqual([]);
  });

  it("that started anew has no rules, and is believed", async () => {
    const blocked = newProcess();
    await blockMany(blocked, 1, 3);
    node.rules.clear();
    await clock.advance(1);
    await blocked.tidy();
    expect(blocked.size).toBe(0);
  });
});
