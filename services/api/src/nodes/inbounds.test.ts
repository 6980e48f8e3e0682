import { someInbound, someNode } from "@veil/nodes/testing";
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

const plain = {
  ...{ transport: "tcp", path: null, server_key: null, encryption: null, port: null, public_key: null },
  ...{ short_id: null, sni: null, groups: null },
};
const server_key = Buffer.alloc(16, 0xfb).toString("base64");
const encryption = `mlkem768x25519plus.native.0rtt.${Buffer.alloc(32, 1).toString("base64url")}`;
const shadowsocks = { tag: "s", protocol: "shadowsocks-2022", server_key, port: 9_444 };
const vless = { tag: "vless-in", protocol: "vless" };
const trojan = { tag: "trojan-in", protocol: "trojan", port: 8_443, groups: ["vip"] };
const post = (inbounds: unknown) =>
  call(api, "post", "/api/nodes").send({ name: "fi-1", address: "10.0.0.2:10085", inbounds });
const patch = (inbounds: unknown) => call(api, "patch", "/api/nodes/fi-1").send({ inbounds });
const hosts = async () => {
  const { body } = await call(api, "get", "/api/hosts").expect(200);
  return (body as { hosts: { id: string; inbound: string; port: number | null }[] }).hosts;
};

describe("the inbounds of a node", () => {
  it("are answered with all that may be said of them, and each has a host", async () => {
    const xhttp = {
      tag: "x.in",
      protocol: "vless",
      transport: "xhttp",
      path: "/a",
      port: 9_443,
      sni: "a.example",
      encryption,
    };
    const made = await post([vless, { ...trojan, unknown: 1 }, xhttp, shadowsocks]).expect(200);
    expect(made.body.inbounds).toEqual([
      { ...plain, ...vless },
      { ...plain, ...trojan },
      { ...plain, ...xhttp },
      { ...plain, ...shadowsocks },
    ]);
    expect((await hosts()).map(({ id, inbound }) => [id, inbound])).toEqual([
      ["n_main", "vless-in"],
      ["n_fi-1", "vless-in"],
      ["n_fi-1_trojan-in", "trojan-in"],
      ["n_fi-1_x~2e~in", "x.in"],
      ["n_fi-1_s", "s"],
    ]);
  });

  it("are all that a change names; one that leaves is shown no more, nor is its host", async () => {
    await post([vless, trojan]).expect(200);
    expect((await patch([vless]).expect(200)).body.inbounds).toEqual([{ ...plain, ...vless }]);
    expect((await hosts()).map(({ id }) => id)).toEqual(["n_main", "n_fi-1"]);
    expect((await patch([vless, trojan]).expect(200)).body.inbounds).toHaveLength(2);
    expect((await patch([vless, { ...vless, port: 9_443, tag: "b" }]).expect(200)).body.inbounds).toHaveLength(2);
    const other = await call(api, "patch", "/api/nodes/fi-1").send({ note: "x" }).expect(200);
    expect(other.body.inbounds.map(({ tag }: { tag: string }) => tag)).toEqual(["vless-in", "b"]);
  });

  it.each([
    [[], /^inbounds must be a list of 1 to 16 inbounds like/],
    ["vless", /^inbounds must be a list/],
    [[1], /^inbounds must be a list/],
    [[{ protocol: "vless" }], /^the tag of an inbound must be/],
    [[{ tag: "a" }], "the protocol of an inbound must be one of vless, trojan, shadowsocks-2022"],
    [[{ tag: "a", protocol: "socks" }], "Xray takes no users over gRPC for an inbound of the protocol socks"],
    [
      [{ tag: "a", protocol: "hysteria2" }],
      /^keys can't have the protocol hysteria2: Xray knows no user .* limits would not hold$/,
    ],
    [[{ tag: "a", protocol: "vmess" }], /^keys can't have the protocol vmess yet: use one of vless, trojan, /],
    [[{ ...vless, transport: "ws" }], "the transport of an inbound must be one of tcp, xhttp"],
    [[{ ...vless, transport: "xhttp" }], "the inbound vless-in needs a path with the transport xhttp"],
    [[{ ...vless, transport: "xhttp", path: "a" }], /^the path of an inbound must begin with a slash/],
    [[{ ...vless, path: "/a" }], "the inbound vless-in can't have a path with the transport tcp"],
    [[vless, vless], "the inbound vless-in needs a port, on which clients find it"],
    [[vless, { ...vless, port: 1 }], "two inbounds have the tag vless-in"],
    [[{ ...trojan, transport: "xhttp", path: "/a" }], /other than tcp with the protocol trojan$/],
    [[{ ...shadowsocks, server_key: null }], /needs the server_key .* with the protocol shadowsocks-2022$/],
    [[{ ...shadowsocks, server_key: "secret" }], /^the server_key of an inbound must be the password of its settings/],
    [[{ ...shadowsocks, sni: "a.example" }], /or an sni with the protocol shadowsocks-2022$/],
    [[{ ...trojan, server_key }], "the inbound trojan-in can't have a server_key with the protocol trojan"],
    [
      [{ ...vless, encryption: encryption.replace("0rtt", "600s") }],
      /^the encryption of an inbound must be what clients/,
    ],
    [[{ ...trojan, encryption }], "the inbound trojan-in can't have an encryption with the protocol trojan"],
    [[{ ...vless, port: 0 }], /^port must be/],
    [[{ ...vless, groups: [""] }], /^groups must be/],
  ])("are refused with a sentence: %j", async (inbounds, detail) => {
    expect(answerOf(await post(inbounds))).toEqual(failure(400, detail));
  });

  it("have a first one that stays so", async () => {
    await post([vless, trojan]).expect(200);
    const detail = "the inbound vless-in of node fi-1 stays the first one";
    expect(answerOf(await patch([trojan]))).toEqual(failure(400, detail));
  });
});

describe("hosts of a node with several inbounds", () => {
  beforeEach(async () => {
    await post([vless, trojan]).expect(200);
  });

  it("lead to the inbound that they name", async () => {
    const made = await call(api, "post", "/api/hosts").send({ node: "fi-1", inbound: "trojan-in" }).expect(200);
    expect(made.body).toMatchObject({ inbound: "trojan-in", is_own: false });
    const detail = "node fi-1 has no inbound none; available: vless-in, trojan-in";
    expect(answerOf(await call(api, "post", "/api/hosts").send({ node: "fi-1", inbound: "none" }))).toEqual(
      failure(400, detail),
    );
  });

  it("that come with an inbound are changed as those of nodes, and lead to no other inbound", async () => {
    const path = "/api/hosts/n_fi-1_trojan-in";
    const changed = await call(api, "patch", path).send({ hidden: true, inbound: "trojan-in" }).expect(200);
    expect(changed.body).toMatchObject({ id: "n_fi-1_trojan-in", inbound: "trojan-in", hidden: true, is_own: true });
    expect((await call(api, "put", path).send({ node: "fi-1" }).expect(200)).body.hidden).toBe(false);
    const detail = "host n_fi-1_trojan-in belongs to the inbound trojan-in and can't be moved";
    expect(answerOf(await call(api, "patch", path).send({ inbound: "vless-in" }))).toEqual(failure(400, detail));
    expect((await call(api, "delete", path)).status).toBe(409);
  });

  it("are read in pages, whatever the tags are in their ids", async () => {
    await patch([vless, { ...trojan, tag: "Trojan.in" }]).expect(200);
    const page = await call(api, "get", "/api/hosts?limit=2&after=n_fi-1").expect(200);
    expect((page.body as { hosts: { id: string }[] }).hosts.map(({ id }) => id)).toEqual([
      "n_fi-1_Trojan~2e~in",
      "n_main",
    ]);
    await call(api, "get", "/api/hosts?limit=2&after=n_fi-1_Trojan~2e~in").expect(200);
  });
});

it("a node shows none of its inbounds that leave", async () => {
  const leaving = someInbound("t", { port: 1, isLeaving: true });
  const node = someNode("main", { inbounds: [someInbound("vless-in"), leaving] });
  await api.plane.fleet.save(await api.plane.fleet.read(), { nodes: [node] });
  const { body } = await call(api, "get", "/api/nodes/main").expect(200);
  expect(body.inbounds.map(({ tag }: { tag: string }) => tag)).toEqual(["vless-in"]);
});
