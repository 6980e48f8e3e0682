import { create, toBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { Counters } from "./counters.ts";
import { QueryStatsResponseSchema } from "./generated/xray/app/stats/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";

const bad = { name: "user>>>1@veil>>>traffic>>>uplink", value: -1n };
const good = { name: "user>>>2@veil>>>traffic>>>uplink", value: 7n };

/** A node that answers with both. */
const calls = {
  node: "main",
  short: async (_method: string, _rpc: unknown, { name }: { name: string }) => ({
    stat: [bad, good].find((one) => one.name === name),
  }),
  bulkAs: async (_method: string, _rpc: unknown, _request: unknown, decode: (message: Uint8Array) => unknown) =>
    decode(toBinary(QueryStatsResponseSchema, create(QueryStatsResponseSchema, { stat: [bad, good] }))),
} as unknown as NodeCalls;

it("leaves out a counter that makes no sense, reports it, and reads the others", async () => {
  const reported: string[] = [];
  const counters = new Counters(calls, (error) => void reported.push(error.message));
  expect(await counters.query("user>>>")).toEqual([{ name: good.name, value: 7 }]);
  expect([await counters.read(bad.name), await counters.read(good.name)]).toEqual([null, 7]);
  expect(reported).toEqual([expect.stringContaining(bad.name), expect.stringContaining(bad.name)]);
});
