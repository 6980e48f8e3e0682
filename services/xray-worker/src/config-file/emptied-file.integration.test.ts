import { placesOf } from "@veil/nodes";
import { someNode } from "@veil/nodes/testing";
import { connectRedis, type Redis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import { ConfigWriteError } from "@veil/xray-config";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { emptiedFile } from "./emptied-file.ts";

let redis: Redis;
beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());

test("says once that users can't be taken out of a file, however often that is tried", async () => {
  const said: string[] = [];
  const say = (level: string) => (_fields: unknown, message?: string) => void said.push(`${level}: ${message}`);
  let isWritable = false;
  const inFile = emptiedFile({
    file: {
      look: async () => ({ clients: [], defaultFlow: "", accepts: () => true }),
      update: async () => {
        if (!isWritable) throw new ConfigWriteError(new Error("no space left on device"));
        return { result: "unchanged", faults: new Map() };
      },
    },
    node: "main",
    exclusive: { redis, prefix: ownPrefix() },
    log: { error: say("error"), info: say("info"), warn: say("warn") },
  });
  const [place] = placesOf(someNode("main"));
  if (place === undefined) throw new RangeError("a node has an inbound");
  for (let time = 0; time < 3; time += 1) expect(await inFile.empty(place)).toBe(false);
  isWritable = true;
  expect(await inFile.empty(place)).toBe(true);
  expect(said).toEqual([
    "error: could not take users out of Xray's config file: they come back with it",
    "info: recovered",
  ]);
});
