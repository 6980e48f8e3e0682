import { endpoints } from "@veil/http-contract";
import { QueueUnavailableError } from "@veil/job-queue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { figuresOf } from "../../test/in-memory/in-memory-plane.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi({ nodeNames: () => ["main", "de-1"] });
  api.plane.addKey({ keyId: 1 });
});
afterEach(() => api.close());

const seconds = () => Math.floor(Date.now() / 1_000);
const countedAgo = (keyId: number, ago: number) => {
  const lastCountedAt = seconds() - ago;
  api.plane.traffic.set(keyId, { ...figuresOf({ upload: 1, download: 2 }), lastCountedAt });
  return lastCountedAt;
};
const keyOnline = async () =>
  endpoints.getKeyOnline.success.schema.parse((await call(api, "get", "/api/keys/1/online").expect(200)).body);
const online = async () =>
  endpoints.getOnline.success.schema.parse((await call(api, "get", "/api/online").expect(200)).body);

describe("from where a key is connected", () => {
  it("is what the nodes say, of all together each address once", async () => {
    api.plane.jobs.scripts["read-online"] = () =>
      finished<"read-online">({
        outcome: "read",
        nodes: [
          { name: "main", state: "read", addresses: ["203.0.113.7", "2001:db8::1"] },
          { name: "de-1", state: "read", addresses: ["203.0.113.7"] },
          { name: "de-2", state: "read", addresses: [] },
          { name: "de-3", state: "unreachable" },
          { name: "de-4", state: "uncounted" },
          { name: "de-5", state: "unsupported" },
        ],
      });
    const { nodes, ...key } = await keyOnline();
    const addresses = ["2001:db8::1", "203.0.113.7"];
    expect(key).toEqual({ key_id: 1, online: true, addresses, online_at: null });
    expect(nodes.map((node) => [node.online, node.addresses?.length ?? null, node.detail])).toEqual([
      [true, 2, null],
      [true, 1, null],
      [false, 0, null],
      [null, null, "the node did not answer"],
      [null, null, "the node's policy lacks statsUserOnline"],
      [null, null, "this version of Xray keeps no addresses"],
    ]);
  });

  it.each([
    [0, true],
    [59, true],
    [62, false],
  ])(
    "follows from bytes counted %i s ago where no connection is seen: %s, as the list has it",
    async (ago, isOnline) => {
      const online_at = countedAgo(1, ago);
      expect(await keyOnline()).toMatchObject({ online: isOnline, addresses: [], online_at });
      const { body } = await call(api, "get", "/api/keys?online=true").expect(200);
      expect(body).toMatchObject({ total: isOnline ? 1 : 0 });
    },
  );

  it.each<[string, () => unknown]>([
    ["is silent", () => (api.plane.jobs.scripts["read-online"] = () => never())],
    ["is late", () => (api.plane.jobs.scripts["read-online"] = () => finished<"read-online">({ outcome: "stale" }))],
    [
      "is older",
      () => (api.plane.jobs.scripts["read-online"] = async () => ({ state: "failed", reason: "no handler" })),
    ],
    [
      "can't be asked",
      () => (api.plane.jobs.beforeSubmit = () => Promise.reject(new QueueUnavailableError(false, null))),
    ],
  ])("follows from counted bytes while the collector %s", async (_name, breakIt) => {
    countedAgo(1, 5);
    breakIt();
    const node = { online: null, addresses: null, detail: "the collector did not answer" };
    expect(await keyOnline()).toMatchObject({
      online: true,
      addresses: null,
      nodes: [
        { name: "main", ...node },
        { name: "de-1", ...node },
      ],
    });
  });

  it("is nothing of a key that there is not", async () => {
    expect(answerOf(await call(api, "get", "/api/keys/9/online"))).toEqual(failure(404, "Key with id 9 not found"));
    expect(api.plane.jobs.submitted).toEqual([]);
  });
});

describe("how many keys are connected", () => {
  it("is asked once for all who want to know it", async () => {
    api.plane.addresses.set(1, ["203.0.113.7"]);
    countedAgo(2, 5);
    const expected = { online: 2, nodes: [{ name: "main", online: 1, detail: null }] };
    expect(await Promise.all([online(), online()])).toEqual([expected, expected]);
    expect(await online()).toEqual(expected);
    expect(api.plane.jobs.submitted.map(({ name }) => name)).toEqual(["count-online"]);
  });

  it("follows from counted bytes while the collector is silent", async () => {
    countedAgo(1, 5);
    api.plane.jobs.scripts["count-online"] = () => never();
    const node = { online: null, detail: "the collector did not answer" };
    expect(await online()).toEqual({
      online: 1,
      nodes: [
        { name: "main", ...node },
        { name: "de-1", ...node },
      ],
    });
  });
});
