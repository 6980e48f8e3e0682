import { StoreUnavailableError } from "@veil/keys";
import { someNode } from "@veil/nodes/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

const get = (path: string) => call(api, "get", path);
const post = (path: string, body: object = {}) => call(api, "post", path).send(body);
const wanted = { name: "fi-1", address: "10.0.0.2:10085" };

describe("adding a node", () => {
  it("answers it as it is stored: joining, and all else the installation's", async () => {
    const made = await post("/api/nodes", wanted).expect(200);
    expect(made.body).toEqual({
      ...wanted,
      state: "joining",
      host: null,
      port: null,
      public_key: null,
      short_id: null,
      sni: null,
      inbounds: [expect.objectContaining({ tag: "vless-in", protocol: "vless", transport: "tcp", port: null })],
      tls: null,
      groups: ["default"],
      multiplier: 1,
      note: null,
      discovered: null,
      created_at: expect.any(Number),
    });
    expect((await get("/api/nodes")).body).toMatchObject({ total: 2, nodes: [{ name: "main" }, made.body] });
    expect((await get("/api/nodes/fi-1").expect(200)).body).toEqual(made.body);
  });

  it("adds it once under an Idempotency-Key, and refuses the same name or address otherwise", async () => {
    const send = () => post("/api/nodes", wanted).set("Idempotency-Key", "1");
    const [first, again] = [await send().expect(200), await send().expect(200)];
    expect(again.body).toEqual(first.body);
    expect(answerOf(await post("/api/nodes", wanted))).toEqual(failure(409, "the name fi-1 is taken"));
    expect(answerOf(await post("/api/nodes", { ...wanted, name: "fi-2" }))).toEqual(
      failure(409, "the address 10.0.0.2:10085 is already used by node fi-1"),
    );
  });

  it("takes the usual names of certificates for granted, and asks for the name in that of an IP address", async () => {
    const tls = { server_name: "fi-1.example.com" };
    const made = await post("/api/nodes", { ...wanted, tls }).expect(200);
    expect(made.body.tls).toEqual({ ca_file: "ca.crt", certificate_file: "tls.crt", key_file: "tls.key", ...tls });
    expect((await call(api, "patch", "/api/nodes/fi-1").send({ tls: null }).expect(200)).body.tls).toBeNull();
    const unnamed = "tls needs server_name, the name in the node's certificate, where address is an IP address";
    expect(answerOf(await call(api, "patch", "/api/nodes/fi-1").send({ tls: {} }))).toEqual(failure(400, unnamed));
    const other = { name: "fi-2", address: "[2001:db8::2]:10085", tls: {} };
    expect(answerOf(await post("/api/nodes", other))).toEqual(failure(400, unnamed));
    expect((await post("/api/nodes", { ...other, address: "fi-2.example.com:10443" })).status).toBe(200);
  });

  it.each([
    [{ name: "Fi" }, /^name must be/],
    [{ name: "" }, /^name must be/],
    [{ address: "10.0.0.2" }, /^address must be/],
    [{ address: "10.0.0.2:0" }, /^address must be/],
    [{ address: "10.0.0.2:70000" }, /^address must be/],
    [{ address: "http://10.0.0.2:1" }, /^address must be/],
    [{ address: "::1:10085" }, /^address must be/],
    [{ address: 7 }, /^address must be/],
    [{ host: "fi.example.com:443" }, /^host must be/],
    [{ port: 0 }, /^port must be/],
    [{ tls: true }, /^tls must be/],
    [{ tls: { ca_file: "../ca.crt" } }, /^tls must be/],
    [{ tls: { key_file: "/etc/tls.key" } }, /^tls must be/],
    [{ tls: { certificate_file: "a//b" } }, /^tls must be/],
    [{ tls: { key: "PEM" } }, /^tls must be/],
    [{ tls: { server_name: "" } }, /^tls must be/],
    [{ port: "443" }, /^port must be/],
    [{ public_key: "short" }, /^public_key must be/],
    [{ short_id: "abc" }, /^short_id must be/],
    [{ sni: "a b" }, /^sni must be/],
    [{ note: 7 }, /^note must be/],
    [{ groups: "eu" }, /^groups must be/],
    [{ groups: [""] }, /^groups must be/],
    [{ host: "1.2.3" }, /^host must be/],
    [{ host: "пример рф" }, /^host must be/],
    [{ host: "пример／рф" }, /^host must be/],
    [{ sni: "10.0.0.2" }, /^sni must be a host name/],
    [{ sni: "пример.рф" }, /^sni must be .* as xn--…, or null$/],
    [{ tls: { server_name: "10.0.0.2" } }, /^tls must be/],
    [{ note: "a\u0000b" }, /^note must not contain control characters$/],
    [{ note: "\ud800" }, /^note must be well-formed Unicode/],
    [{ inbounds: [] }, /^inbounds must be/],
    [{ multiplier: -0.1 }, /^multiplier must be a number from 0 to 100 in steps of 0.1, or null for 1$/],
    [{ multiplier: 100.1 }, /^multiplier must be/],
    [{ multiplier: 1.25 }, /^multiplier must be/],
    [{ multiplier: 1e-7 }, /^multiplier must be/],
    [{ multiplier: 1e300 }, /^multiplier must be/],
    [{ multiplier: "2" }, /^multiplier must be/],
    [{ multiplier: true }, /^multiplier must be/],
  ])("refuses %j", async (body, detail) => {
    expect(answerOf(await post("/api/nodes", { ...wanted, ...body }))).toEqual(failure(400, detail));
  });

  it.each(["256.1.1.1:1", "127.1:1", "0x7f000001:1", "1.2.3.:1", "10.0.0.9:0099", `${"a".repeat(64)}.example:1`])(
    "takes no address that leads nowhere, or is written as nobody would: %s",
    async (address) => {
      expect(answerOf(await post("/api/nodes", { ...wanted, address }))).toEqual(failure(400, /^address must be/));
    },
  );

  it.each([{ tag: 7 }, { tag: " " }, { tag: "a\nb" }, { tag: "x", protocol: "vmess" }, {}])(
    "says what an inbound is instead of %j",
    async (inbound) => {
      const body = { ...wanted, inbounds: [{ protocol: "vless", ...inbound }] };
      expect(answerOf(await post("/api/nodes", body))).toEqual(
        failure(400, /^the tag of an inbound must be|^keys can't have the protocol vmess yet/),
      );
    },
  );

  it("takes addresses and hosts of IPv6, and fields that nobody knows", async () => {
    const body = { name: "v6", address: "[2001:db8::1]:10085", host: "2001:db8::2", color: "red" };
    expect((await post("/api/nodes", body).expect(200)).body).toMatchObject({ host: "2001:db8::2" });
  });

  it("writes a name in other letters as clients dial it", async () => {
    const body = { name: "ru", address: "узел.пример.рф:10085", host: "пример.рф" };
    const ascii = { address: "xn--e1adn3a.xn--e1afmkfd.xn--p1ai:10085", host: "xn--e1afmkfd.xn--p1ai" };
    expect((await post("/api/nodes", body).expect(200)).body).toMatchObject(ascii);
    const change = { host: "ПРИМЕР.рф", address: body.address };
    expect((await call(api, "patch", "/api/nodes/ru").send(change).expect(200)).body).toMatchObject(ascii);
  });

  it("takes a name written as xn--, and of an inbound what it knows; null is that of the settings", async () => {
    const named = { ...wanted, host: "xn--e1afmkfd.xn--p1ai", inbounds: [{ tag: "a", protocol: "vless", extra: 1 }] };
    const made = (await post("/api/nodes", named).expect(200)).body;
    expect(made).toMatchObject({ host: named.host, inbounds: [{ tag: "a", protocol: "vless" }] });
    const patched = await call(api, "patch", "/api/nodes/fi-1").send({ inbounds: null }).expect(200);
    expect(patched.body.inbounds).toMatchObject([{ tag: "vless-in", protocol: "vless" }]);
  });
});

describe("the groups of a node", () => {
  it("are those that were asked for, each once, and the default without a word", async () => {
    const made = await post("/api/nodes", { ...wanted, groups: ["eu", "vip", "eu"] }).expect(200);
    expect(made.body.groups).toEqual(["eu", "vip"]);
    const change = (body: object) => call(api, "patch", "/api/nodes/fi-1").send(body).expect(200);
    expect((await change({ note: "n" })).body.groups).toEqual(["eu", "vip"]);
    expect((await change({ groups: [] })).body.groups).toEqual([]);
    expect((await change({ groups: null })).body.groups).toEqual(["default"]);
  });
});

describe("the multiplier of a node", () => {
  it("is what was asked for, to a tenth, and 1 without a word", async () => {
    expect((await post("/api/nodes", wanted).expect(200)).body.multiplier).toBe(1);
    const change = (body: object) => call(api, "patch", "/api/nodes/fi-1").send(body).expect(200);
    for (const multiplier of [0, 0.1, 0.3, 1.1, 2.5, 99.9, 100]) {
      expect((await change({ multiplier })).body.multiplier).toBe(multiplier);
    }
    expect((await change({ note: "n" })).body.multiplier).toBe(100);
    expect((await get("/api/nodes/fi-1").expect(200)).body.multiplier).toBe(100);
    expect((await change({ multiplier: null })).body.multiplier).toBe(1);
    const other = { ...wanted, name: "jp-1", address: "10.0.0.7:10085", multiplier: 0.5 };
    expect((await post("/api/nodes", other).expect(200)).body.multiplier).toBe(0.5);
    const refused = await call(api, "patch", "/api/nodes/fi-1").send({ multiplier: 0.05 });
    expect(answerOf(refused)).toEqual(failure(400, /^multiplier must be/));
  });
});

it("lists nodes in pages that ascend by name, also behind one that went meanwhile", async () => {
  for (const name of ["b", "a-2", "a-1"]) await post("/api/nodes", { name, address: `${name}:10085` }).expect(200);
  const page = async (query: string) => {
    const { nodes, total } = (await get(`/api/nodes?${query}`).expect(200)).body;
    return [nodes.map(({ name }: { name: string }) => name), total];
  };
  // The listed ones first, then by the second in which they were made, and by name.
  const [[first, ...made], total] = await page("");
  expect([first, made.toSorted(), total]).toEqual(["main", ["a-1", "a-2", "b"], 4]);
  expect(await page("limit=2")).toEqual([["a-1", "a-2"], 4]);
  expect(await page("limit=2&after=a-2")).toEqual([["b", "main"], 4]);
  expect(await page("after=a-9")).toEqual([["b", "main"], 4]);
  expect(await page("limit=2&after=main")).toEqual([[], 4]);
  expect(answerOf(await get("/api/nodes?limit=0"))).toEqual(
    failure(400, "limit must be a whole number from 1 to 1000"),
  );
  expect(answerOf(await get("/api/nodes?after=A"))).toEqual(failure(400, /^after must be the name of a node/));
  expect(answerOf(await get("/api/nodes?offset=1"))).toEqual(failure(400, /limit.*after/));
});

describe("changing a node", () => {
  it("keeps what is left out, and takes null for the installation's", async () => {
    await post("/api/nodes", { ...wanted, host: "fi.example.com", port: 8_443, note: "old" });
    const patched = await call(api, "patch", "/api/nodes/fi-1").send({ port: null, sni: "example.com" }).expect(200);
    expect(patched.body).toMatchObject({ host: "fi.example.com", port: null, sni: "example.com", note: "old" });
    expect(answerOf(await call(api, "patch", "/api/nodes/fi-1").send({ address: "main.example.com:10085" }))).toEqual(
      failure(
        409,
        "the address main.example.com:10085 is already used by node main; two nodes that are to change places are deleted first, and added again",
      ),
    );
  });

  it("drains, shows again and deletes", async () => {
    expect((await post("/api/nodes/main/drain").expect(200)).body.state).toBe("draining");
    expect((await post("/api/nodes/main/drain").expect(200)).body.state).toBe("draining");
    expect((await post("/api/nodes/main/undrain").expect(200)).body.state).toBe("active");
    const { body } = await call(api, "delete", "/api/nodes/main").expect(200);
    expect(body).toEqual({ success: true, message: "Node main deleted successfully" });
    expect((await get("/api/nodes")).body).toEqual({ nodes: [], total: 0 });
    expect(answerOf(await call(api, "delete", "/api/nodes/main"))).toEqual(failure(404, "Node main not found"));
    expect(answerOf(await call(api, "delete", "/api/nodes/main?force=maybe"))).toEqual(
      failure(400, "force must be true or false"),
    );
  });

  it.each(["true", "1", "True"])("goes without an answer of its own with force=%s", async (word) => {
    const asked: boolean[] = [];
    api.plane.jobs.scripts["delete-node"] = async ({ force }) => {
      asked.push(force);
      return { state: "finished", result: { outcome: "deleted" } };
    };
    await call(api, "delete", `/api/nodes/main?force=${word}`).expect(200);
    expect(asked).toEqual([true]);
  });

  it("says so when the job did not do it", async () => {
    const detail = "node main does not answer; ?force=true";
    api.plane.jobs.scripts["delete-node"] = async () => ({
      state: "finished",
      result: { outcome: "unavailable", detail },
    });
    const answer = await call(api, "delete", "/api/nodes/main");
    expect(answerOf(answer)).toEqual(failure(503, `Failed to delete node: ${detail}`));
    expect(answer.headers["retry-after"]).toBeDefined();
  });

  it.each(["patch", "delete"] as const)("knows no node of another name: %s", async (method) => {
    expect(answerOf(await call(api, method, "/api/nodes/none").send({}))).toEqual(failure(404, "Node none not found"));
  });
});

describe("the health of a node", () => {
  const nothing = (name: string, state: string) => ({
    ...{ name, state, reachable: null, since: null, version: null, users: null, drift: null, reconciled_at: null },
    ...{ link_fault: null, last_reading: null, lag: null },
  });

  it("is what workers and collectors noted, and nothing before", async () => {
    expect((await get("/api/nodes/main/health").expect(200)).body).toEqual(nothing("main", "active"));
    const now = Date.now();
    api.plane.sightings.set("main", { seenAt: now - 60_000, failedAt: now });
    await api.plane.lives.replace(null, {
      node: "main",
      revision: 1,
      marks: [],
      restarts: 0,
      seenAt: now - 5_000,
      seenEpoch: 1,
    });
    const health = (await get("/api/nodes/main/health").expect(200)).body;
    expect(health).toMatchObject({ reachable: false, since: Math.floor((now - 60_000) / 1_000) });
    expect(health.lag).toBeGreaterThanOrEqual(5);
    expect(health).toMatchObject({ users: null, drift: null, reconciled_at: null });
    api.plane.passes.set("main", { at: now, users: 7, missing: 2, wrong: 0, orphans: 1 });
    expect((await get("/api/nodes/main/health").expect(200)).body).toMatchObject({
      users: 7,
      drift: { missing: 2, wrong: 0, orphan: 1 },
      reconciled_at: Math.floor(now / 1_000),
      link_fault: null,
    });
    const detail = "the inbound vless-in of main does not speak Reality";
    api.plane.linkFaults.push({ host: "n_main", node: "main", detail, isShown: true });
    expect((await get("/api/nodes/main/health").expect(200)).body.link_fault).toBe(
      `links to the host n_main: ${detail}`,
    );
  });

  it("says nothing of an earlier node of the same name", async () => {
    const before = Date.now() - 2_000;
    api.plane.sightings.set("fi-1", { seenAt: before, failedAt: before });
    api.plane.passes.set("fi-1", { at: before, users: 7, missing: 0, wrong: 0, orphans: 0 });
    const lives = { node: "fi-1", revision: 1, marks: [], restarts: 0, seenAt: before, seenEpoch: 1 };
    await api.plane.lives.replace(null, lives);
    await post("/api/nodes", wanted).expect(200);
    expect((await get("/api/nodes/fi-1/health").expect(200)).body).toEqual(nothing("fi-1", "joining"));
  });
});

it("answers 503 while the store is away, and shows none that is gone", async () => {
  await api.plane.fleet.save(await api.plane.fleet.read(), { nodes: [someNode("old", { state: "gone" })] });
  expect((await get("/api/nodes")).body.total).toBe(0);
  expect(answerOf(await get("/api/nodes/old"))).toEqual(failure(404, "Node old not found"));
  api.plane.fleet.beforeStep = async () => {
    throw new StoreUnavailableError(new Error("away"));
  };
  expect((await get("/api/nodes")).status).toBe(503);
});
