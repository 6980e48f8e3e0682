import { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import { beforeEach, expect, it } from "vitest";
import { warnOfDurability } from "./warn-of-durability.ts";

let settings: Record<string, string>;
let failure: Error | null;
let said: unknown[];
let redis: EventEmitter;
beforeEach(() => {
  [settings, failure, said] = [{ appendonly: "yes", "maxmemory-policy": "noeviction" }, null, []];
  const config = async (_: "GET", name: string) => {
    if (failure !== null) throw failure;
    return [name, settings[name]];
  };
  redis = Object.assign(new EventEmitter(), { config });
  const warn = (fields: { readonly warning?: string; readonly err?: Error }) =>
    void said.push(fields.warning?.slice(0, 20) ?? fields.err?.message);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a connection and a log of which one thing each is asked
  warnOfDurability(redis as Redis, { warn, info: () => undefined, error: () => undefined } as never);
});

async function connected(times: number) {
  for (let connection = 0; connection < times; connection += 1) {
    redis.emit("ready");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it("says nothing of a Redis that loses nothing", async () => {
  await connected(1);
  expect(said).toEqual([]);
});

it("says once what a Redis may lose jobs by, however often the connection is lost, and again when it comes back", async () => {
  settings["appendonly"] = "no";
  await connected(3);
  settings["maxmemory-policy"] = "allkeys-lru";
  await connected(3);
  const [noFile, evicts] = ["Redis keeps no append", "Redis evicts keys (m"].map((text) => text.slice(0, 20));
  expect(said).toEqual([noFile, evicts]);
  settings["appendonly"] = "yes";
  await connected(1);
  settings["appendonly"] = "no";
  await connected(2);
  expect(said).toEqual([noFile, evicts, noFile]);
});

it("says once that it can't look, for each reason", async () => {
  failure = new Error("LOADING");
  await connected(3);
  expect(said).toEqual(["LOADING"]);
});
