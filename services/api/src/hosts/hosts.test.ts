import { StoreUnavailableError } from "@veil/keys";
import { MOST_HOSTS } from "@veil/nodes";
import { someHost, someNode } from "@veil/nodes/testing";
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
const post = (body: object) => call(api, "post", "/api/hosts").send(body);
const put = (id: string, body: object) => call(api, "put", `/api/hosts/${id}`).send(body);
const patch = (id: string, body: object) => call(api, "patch", `/api/hosts/${id}`).send(body);
const idsOf = async () => (await get("/api/hosts").expect(200)).body.hosts.map(({ id }: { id: string }) => id);

const plain = {
  node: "main",
  inbound: "vless-in",
  remark: null,
  address: null,
  port: null,
  sni: null,
  fingerprint: null,
  alpn: null,
  path: null,
  order: 0,
  weight: null,
  groups: null,
  hidden: false,
  is_own: false,
  created_at: expect.any(Number),
};

describe("the host that comes with a node", () => {
  const own = { ...plain, id: "n_main", is_own: true };

  it("is there by itself, changes what is named, and takes null for what the node says", async () => {
    expect((await get("/api/hosts").expect(200)).body).toEqual({ hosts: [own], total: 1 });
    const changed = { ...own, hidden: true, port: 8_443 };
    expect((await patch("n_main", { hidden: true, port: 8_443 }).expect(200)).body).toEqual(changed);
    expect((await get("/api/hosts/n_main").expect(200)).body).toEqual(changed);
    expect((await patch("n_main", { port: null }).expect(200)).body).toEqual({ ...own, hidden: true });
    expect((await put("n_main", { node: "main" }).expect(200)).body).toEqual(own);
  });

  it("is hidden, not deleted, leads to no other node, and goes with its own", async () => {
    expect(answerOf(await call(api, "delete", "/api/hosts/n_main"))).toEqual(
      failure(409, 'host n_main is deleted with its node; to hide it, set {"hidden":true}'),
    );
    await call(api, "post", "/api/nodes").send({ name: "fi-1", address: "10.0.0.2:10085" }).expect(200);
    expect(answerOf(await patch("n_main", { node: "fi-1" }))).toEqual(failure(400, /can't be moved$/));
    await post({ node: "fi-1" }).expect(200);
    await call(api, "delete", "/api/nodes/fi-1").expect(200);
    expect(await idsOf()).toEqual(["n_main"]);
    expect(answerOf(await get("/api/hosts/n_fi-1"))).toEqual(failure(404, "Host with id n_fi-1 not found"));
  });
});

describe("making hosts", () => {
  it("answers all that was named, once under an Idempotency-Key", async () => {
    const named = {
      node: "main",
      remark: "🇫🇮 {node} {days_left}",
      address: "2001:db8::2",
      port: 8_443,
      sni: "example.com",
      fingerprint: "firefox",
      alpn: ["h2", "http/1.1"],
      path: "/a",
      order: -1,
      weight: 3,
      groups: ["premium"],
      hidden: false,
    };
    const send = () => post({ ...named, inbound: "vless-in", unknown: 1 }).set("Idempotency-Key", "1");
    const [first, again] = [await send().expect(200), await send().expect(200)];
    const id = expect.stringMatching(/^h_[0-9a-f]{20}$/);
    expect(first.body).toEqual({ ...plain, ...named, id });
    expect(again.body).toEqual(first.body);
    await post(named).expect(200);
    expect((await get("/api/hosts")).body.total).toBe(3);
    expect((await idsOf()).at(-1)).toBe("n_main");
    await call(api, "delete", `/api/hosts/${first.body.id}`).expect(200);
    expect((await call(api, "delete", `/api/hosts/${first.body.id}`)).status).toBe(404);
  });

  it("is done under an id of one's own as well, as often as one likes", async () => {
    const body = { node: "main", port: 8_443, remark: "x" };
    const made = (await put("cdn-1", body).expect(200)).body;
    expect(made).toEqual({ ...plain, ...body, id: "cdn-1" });
    const revision = await api.plane.fleet.revision();
    expect((await put("cdn-1", body).expect(200)).body).toEqual(made);
    expect(await api.plane.fleet.revision()).toBe(revision);
    expect((await put("cdn-1", { node: "main" }).expect(200)).body).toEqual({ ...plain, id: "cdn-1" });
    for (const id of ["h_00000000000000000000", "n_none", "Cdn", "a".repeat(33)]) {
      expect((await put(id, body)).status).toBe(404);
    }
  });

  it.each([
    [{ node: undefined }, /^node must be/],
    [{ node: "none" }, /^there is no node none$/],
    [{ inbound: "other" }, /^node main has no inbound other; available: vless-in$/],
    [{ remark: "" }, /^remark must be/],
    [{ remark: "a\nb" }, /^remark must not/],
    [
      { remark: "{days}" },
      /^remark has the unknown placeholder \{days\}; known are \{key_name\}, .*\{traffic_limit\}$/,
    ],
    [{ address: "a.example:443" }, /^address must be/],
    [{ port: 0 }, /^port must be/],
    [{ sni: "a b" }, /^sni must be/],
    [{ fingerprint: "hellochrome_131" }, /^fingerprint must be/],
    [{ alpn: [] }, /^alpn must be/],
    [{ alpn: ["h2", "h2"] }, /^alpn must be/],
    [{ alpn: ["spdy"] }, /^alpn must be/],
    [{ path: "a" }, /^path must/],
    [{ path: "/a?b" }, /^path must/],
    [{ path: "/a\u0000" }, /^path must/],
    [{ path: "/\udc00" }, /^path must/],
    [{ address: "127.1" }, /^address must be/],
    [{ address: "пример рф" }, /^address must be/],
    [{ sni: "10.0.0.2" }, /^sni must be/],
    [{ order: 1.5 }, /^order must be/],
    [{ weight: 0 }, /^weight must be/],
    [{ groups: [""] }, /^groups must be/],
    [{ hidden: "no" }, /^hidden must be/],
  ])("refuses %j", async (body, detail) => {
    expect(answerOf(await post({ node: "main", ...body }))).toEqual(failure(400, detail));
  });

  it("refuses one too many", async () => {
    const hosts = Array.from({ length: MOST_HOSTS }, (_, index) => someHost(`h_${index}`, "main"));
    await api.plane.fleet.save(await api.plane.fleet.read(), { nodes: [someNode("main")], hosts });
    expect(answerOf(await post({ node: "main" }))).toEqual(
      failure(409, `there are ${MOST_HOSTS} hosts already: delete one first`),
    );
  });
});

it("writes a name in other letters as clients dial it, and changes nothing when it comes again", async () => {
  const body = { node: "main", address: "пример.рф" };
  expect((await put("ru", body).expect(200)).body.address).toBe("xn--e1afmkfd.xn--p1ai");
  const revision = await api.plane.fleet.revision();
  expect((await put("ru", body).expect(200)).body.address).toBe("xn--e1afmkfd.xn--p1ai");
  expect(await api.plane.fleet.revision()).toBe(revision);
});

it("lists hosts in pages that ascend by id", async () => {
  for (const id of ["b", "a"]) await put(id, { node: "main", order: -1 }).expect(200);
  const page = async (query: string) => {
    const { hosts, total } = (await get(`/api/hosts?${query}`).expect(200)).body;
    return [hosts.map(({ id }: { id: string }) => id), total];
  };
  expect(await page("")).toEqual([["b", "a", "n_main"], 3]);
  expect(await page("limit=2")).toEqual([["a", "b"], 3]);
  expect(await page("limit=2&after=b")).toEqual([["n_main"], 3]);
  expect(answerOf(await get("/api/hosts?after="))).toEqual(failure(400, "after must be the id of a host"));
});

it("knows no host of another id, and is 503 while the store is away", async () => {
  for (const method of ["get", "patch", "delete"] as const) {
    expect(answerOf(await call(api, method, "/api/hosts/none").send({}))).toEqual(
      failure(404, "Host with id none not found"),
    );
  }
  api.plane.fleet.beforeStep = async () => {
    throw new StoreUnavailableError(new Error("away"));
  };
  expect((await get("/api/hosts")).status).toBe(503);
});

it("answers a host that an API of the version before has named, whose write it goes on with", async () => {
  const run = api.plane.jobs.scripts["put-host"];
  api.plane.jobs.scripts["put-host"] = async (payload, job) =>
    run({ ...payload, host: { ...payload.host, id: "h_otherwise" } }, job);
  const answer = await post({ node: "main" }).set("Idempotency-Key", "host-1").expect(200);
  expect(answer.body).toMatchObject({ id: "h_otherwise", node: "main" });
});
