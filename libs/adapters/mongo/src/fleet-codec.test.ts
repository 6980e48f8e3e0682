import { entered, type Fleet, type FleetNode, MOST_INBOUNDS } from "@veil/nodes";
import { someNode } from "@veil/nodes/testing";
import { mongo } from "mongoose";
import { expect, it } from "vitest";
import { toNodeDocument } from "./fleet-codec.ts";

const stamp = { job: "job-1", now: 1_800_000_000_000 };
const LARGEST_DOCUMENT = 16 * 1_024 * 1_024;
const AT_ONCE = 20;

/** Of all that a node may be the one whose document is longest beside its text: lists of short names. */
function bulkyNode(name: string): FleetNode {
  const groups = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(0x41 + index));
  const jobs = Array.from({ length: 16 }, (_, index) => `${index}`);
  const inbound = {
    tag: "a",
    protocol: "vless",
    transport: "tcp",
    path: null,
    serverKey: null,
    encryption: null,
    port: 1,
    publicKey: null,
    shortId: null,
    sni: null,
    groups,
    regroupedAt: 0,
    formerGroups: groups,
    isLeaving: false,
    isUnfilled: false,
  } as const;
  const inbounds = Array.from({ length: MOST_INBOUNDS }, () => inbound);
  return someNode(name, { groups, formerGroups: groups, jobs, inbounds });
}

it("stores as many nodes as there may be in one document, whatever is in them", () => {
  const { state: _, since: _since, origin: _origin, ...next } = someNode("next");
  let fleet: Fleet = { revision: 1, nodes: [], hosts: [] };
  while (entered(fleet, next, stamp).outcome === "changed") {
    const more = Array.from({ length: AT_ONCE }, (_one, index) => bulkyNode(`n-${fleet.nodes.length + index}`));
    fleet = { ...fleet, nodes: [...fleet.nodes, ...more] };
  }
  const documents = Object.fromEntries(fleet.nodes.map((node) => [node.name, toNodeDocument(node)]));
  expect(fleet.nodes.length).toBeGreaterThan(300);
  expect(mongo.BSON.calculateObjectSize({ nodes: documents })).toBeLessThan(LARGEST_DOCUMENT);
});
