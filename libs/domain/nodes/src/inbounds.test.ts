import { describe, expect, it } from "vitest";
import { someInbound, someNode } from "../test/index.ts";
import { changed, entered, type FleetChange } from "./change-fleet.ts";
import type { FleetNode } from "./fleet.ts";
import {
  type InboundFields,
  inboundsFault,
  inboundsOf,
  meteredTags,
  MOST_INBOUNDS,
  PLAIN_INBOUND,
} from "./inbounds.ts";
import { inboundFilled, inboundGone, placesOf } from "./places.ts";

const NOW = 1_800_000_000_000;
const stamp = { job: "job-1", now: NOW };
const vless: InboundFields = { tag: "vless-in", ...PLAIN_INBOUND };
const trojan: InboundFields = { ...vless, tag: "trojan-in", protocol: "trojan", port: 8_443 };
const xhttp: InboundFields = { ...vless, tag: "x", transport: "xhttp", path: "/a", port: 9_443, groups: ["vip"] };
const fleetOf = (...nodes: FleetNode[]) => ({ revision: 1, nodes, hosts: [] });

function after(change: FleetChange): FleetNode {
  const node = change.outcome === "changed" ? change.nodes?.at(-1) : undefined;
  if (node === undefined) throw new Error(JSON.stringify(change));
  return node;
}

const asked = (node: FleetNode, ...inbounds: InboundFields[]) =>
  changed(
    fleetOf(node),
    node.name,
    { inbounds, inboundTag: inbounds[0]?.tag ?? "" },
    { ...stamp, job: `${Math.random()}` },
  );
const transitions = (node: FleetNode) =>
  placesOf(node).map(({ name, groups, inbound: { regroupedAt, formerGroups, isLeaving } }) => [
    ...[name, groups.join(), regroupedAt, formerGroups.join()],
    isLeaving,
  ]);

describe("the inbounds of a node", () => {
  it("are one of its tag where nothing is said, in the groups of the node", () => {
    const node = someNode("a", { regroupedAt: 7, formerGroups: ["x"] });
    expect(inboundsOf(node)).toEqual([someInbound("vless-in", { regroupedAt: 7, formerGroups: ["x"] })]);
    expect(transitions(node)).toEqual([["a", "default", 7, "x", false]]);
  });

  it("are entered with it, and stay unsaid where one has nothing but a tag", () => {
    const { state: _, since: _since, origin: _origin, ...b } = someNode("b");
    const enter = (...inbounds: InboundFields[]) => after(entered(fleetOf(), { ...b, inbounds }, stamp));
    expect(enter(vless).inbounds).toEqual([]);
    expect(transitions(enter(vless, trojan))).toEqual([
      ["b", "default", 0, "", false],
      ["b/trojan-in", "default", 0, "", false],
    ]);
    expect(entered(fleetOf(), { ...b, inbounds: [vless, vless] }, stamp)).toMatchObject({ outcome: "refused" });
  });

  it("come, are filled once every worker knows of them, and leave with their users", () => {
    const node = someNode("a");
    const more = after(asked(node, vless, trojan, xhttp));
    expect(transitions(more)).toEqual([
      ["a", "default", 0, "", false],
      ["a/trojan-in", "default", NOW, "", false],
      ["a/x", "vip", NOW, "", false],
    ]);
    const fewer = after(asked(more, vless, xhttp));
    expect(transitions(fewer)).toEqual([
      ["a", "default", 0, "", false],
      ["a/x", "vip", NOW, "", false],
      ["a/trojan-in", "", NOW, "default", true],
    ]);
    expect(transitions(after(asked(fewer, vless, trojan)))).toEqual([
      ["a", "default", 0, "", false],
      ["a/trojan-in", "default", NOW, "", false],
      ["a/x", "", NOW, "vip", true],
    ]);
    expect(inboundGone(fleetOf(fewer), "a/x")).toBeNull();
    expect(
      inboundGone(fleetOf(fewer), "a/trojan-in")
        ?.nodes?.map(placesOf)
        .flat()
        .map(({ name }) => name),
    ).toEqual(["a", "a/x"]);
  });

  it("are shown once they have their users, also when they come back before they have gone", () => {
    const unfilled = (node: FleetNode) => inboundsOf(node).map(({ isUnfilled }) => isUnfilled);
    const filled = (node: FleetNode, place: string) => ({
      ...node,
      ...inboundFilled(fleetOf(node), place)?.nodes?.[0],
    });
    const more = after(asked(someNode("a"), vless, trojan));
    expect(unfilled(more)).toEqual([false, true]);
    expect(inboundFilled(fleetOf(more), "a")).toBeNull();
    const shown = filled(more, "a/trojan-in");
    expect(unfilled(shown)).toEqual([false, false]);
    expect(unfilled(after(asked(shown, vless, { ...trojan, port: 1 })))).toEqual([false, false]);
    const again = after(asked(after(asked(shown, vless)), vless, trojan));
    expect(unfilled(again)).toEqual([false, true]);
    const other = after(asked(someNode("a"), { ...vless, tag: "new" }));
    expect(unfilled(other)).toEqual([true, false]);
    expect(unfilled(filled(other, "a"))).toEqual([false, false]);
  });

  it("move to the groups of their node unless they have their own", () => {
    const node = someNode("a", { inbounds: [someInbound("vless-in"), someInbound("x", { groups: ["vip"], port: 1 })] });
    const moved = after(changed(fleetOf(node), "a", { groups: ["eu"] }, stamp));
    expect(transitions(moved)).toEqual([
      ["a", "eu", NOW, "default", false],
      ["a/x", "vip", 0, "", false],
    ]);
  });

  it("have one that stays the first, under another tag too", () => {
    const node = someNode("a", { inbounds: [someInbound("vless-in"), someInbound("x", { port: 1 })] });
    const x = { ...vless, tag: "x", port: 1 };
    const detail = "the inbound vless-in of node a stays the first one";
    expect(asked(node, x, { ...vless, port: 2 })).toEqual({ outcome: "refused", detail });
    expect(asked(node, x)).toEqual({ outcome: "refused", detail });
    expect(transitions(after(asked(node, { ...vless, tag: "new" }, x)))).toEqual([
      ["a", "default", NOW, "", false],
      ["a/x", "default", 0, "", false],
      ["a/vless-in", "", NOW, "default", true],
    ]);
  });

  it("leave with their users when another one is the first, which may be taken back before they have gone", () => {
    const one = after(changed(fleetOf(someNode("a")), "a", { inboundTag: "new" }, stamp));
    expect(one.inboundTag).toBe("new");
    expect(transitions(one)).toEqual([
      ["a", "default", NOW, "", false],
      ["a/vless-in", "", NOW, "default", true],
    ]);
    expect(meteredTags(one)).toEqual(["new", "vless-in"]);
    expect(transitions(after(asked(one, vless)))).toEqual([
      ["a", "default", NOW, "", false],
      ["a/new", "", NOW, "default", true],
    ]);
    expect(transitions({ ...one, ...inboundGone(fleetOf(one), "a/vless-in")?.nodes?.[0] })).toEqual([
      ["a", "default", NOW, "", false],
    ]);
  });

  it("are one again for whoever knows of one alone", () => {
    const node = someNode("a", { inbounds: [someInbound("vless-in"), someInbound("x", { port: 1 })] });
    const one = after(changed(fleetOf(node), "a", { inboundTag: "v" }, stamp));
    expect(one.inboundTag).toBe("v");
    expect(inboundsOf(one).map(({ tag, isLeaving }) => [tag, isLeaving])).toEqual([
      ["v", false],
      ["vless-in", true],
      ["x", true],
    ]);
  });

  it.each([
    [[vless, { ...trojan, port: null }], "the inbound trojan-in needs a port, on which clients find it"],
    [[vless, { ...trojan, tag: "vless-in" }], "two inbounds have the tag vless-in"],
    [[{ ...xhttp, path: null }], "the inbound x needs a path with the transport xhttp"],
    [Array.from({ length: 17 }, () => vless), `a node has at most ${MOST_INBOUNDS} inbounds`],
    [[{ ...trojan, port: null }, xhttp], null],
  ])("are refused with a sentence: %j", (inbounds, fault) => {
    expect(inboundsFault(inbounds)).toBe(fault);
  });
});

it("places have names that stand for fields of documents", () => {
  const tags = ["in.1", "$x", "a/b c", "ключ", "a~b"];
  const inbounds = ["vless-in", ...tags].map((tag) => someInbound(tag));
  const names = placesOf(someNode("a", { inbounds })).map(({ name }) => name);
  expect(names).toEqual(["a", "a/in~2e~1", "a/~24~x", "a/a~2f~b~20~c", "a/~43a~~43b~~44e~~447~", "a/a~7e~b"]);
});
