import { expect, it } from "vitest";
import { z } from "zod";
import { PLAIN_INBOUND } from "@veil/nodes";
import { nodeJobs } from "./node-jobs.ts";

const tls = { caFile: "ca.crt", certificateFile: "tls.crt", keyFile: "tls.key", serverName: null };
const { payload } = nodeJobs["change-node"];
const inbound = { ...PLAIN_INBOUND, tag: "t", protocol: "trojan", port: 1, publicKey: "k", groups: ["vip"] } as const;
const shadowsocks = { ...inbound, protocol: "shadowsocks-2022", serverKey: "a", publicKey: null } as const;
const changes = [
  { inboundTag: "t", inbounds: [inbound, shadowsocks, { ...PLAIN_INBOUND, tag: "e", encryption: "k".repeat(1_700) }] },
  { host: "fi.example.com" },
  { tls: null },
  { tls },
  { groups: ["vip"], note: null },
  { multiplier: 0 },
  {},
];

it.each(changes)("carries the change %j of a node to the worker as it is, and nothing that is left out", (change) => {
  const sent = { name: "fi-1", change, deadline: 1, request_id: "r-1" };
  const wire = JSON.parse(JSON.stringify(z.encode(payload, sent))) as unknown;
  expect(z.decode(payload, wire as never)).toEqual(sent);
});

it("reads a new node of an API from before nodes had TLS, groups, several inbounds and a multiplier", () => {
  const fields = { address: "10.0.0.2:10085", host: null, port: null, sni: null, note: null };
  const node = { name: "fi-1", ...fields, inbound_tag: "vless-in", public_key: null, short_id: null };
  const read = z.decode(nodeJobs["create-node"].payload, { node, deadline: 1, request_id: "r-1" });
  expect(read.node).toMatchObject({ tls: null, groups: ["default"], inbounds: [], multiplier: 1 });
});

it("reads an inbound of an API that knows of fewer fields", () => {
  const { payload: read } = nodeJobs["change-node"];
  const change = { inbound_tag: "t", inbounds: [{ tag: "t", protocol: "trojan" }] } as const;
  const { change: got } = z.decode(read, { name: "a", change, deadline: 1, request_id: "r-1" } as never);
  expect(got.inbounds).toEqual([{ ...PLAIN_INBOUND, tag: "t", protocol: "trojan" }]);
});
