import type { NodeSighting } from "@veil/keys";
import { type Fleet, type FleetHost, type FleetNode, PLAIN_INBOUND, type SeenInbound } from "@veil/nodes";
import { someHost, someNode } from "@veil/nodes/testing";
import { PLAIN_KIND, type RunningInbound } from "@veil/protocols";
import { createMetrics, readSettings } from "@veil/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import { linkFaults, LinkWatch } from "./link-faults.ts";
import { apiSettings } from "./settings.ts";

const [KEY, OTHER] = ["k".repeat(43), "o".repeat(43)];
const AT = 1_800_000_000_000;
const runs: RunningInbound = {
  ...{ protocol: "vless", transport: "tcp", path: null, host: null, asks: null, serverKey: null, encryption: null },
  reality: { publicKey: KEY, serverNames: ["a.example", "b.example"], shortIds: ["7bb4505000000000", "0a"] },
};
const seenAs = (changed: Partial<RunningInbound> = {}, at = AT): SeenInbound => ({ at, runs: { ...runs, ...changed } });
const settingsWith = (env: Record<string, string> = {}) => {
  const set = { API_SECRET_KEY: "0123456789abcdef0123456789abcdef", REALITY_PUBLIC_KEY: KEY };
  return readSettings(apiSettings, { program: "api", env: { ...set, REALITY_SERVER_NAME: "a.example", ...env } });
};

const sightingsOf = (main: NodeSighting | undefined) => new Map(main === undefined ? [] : [["main", main]]);

interface Situation {
  readonly node?: Partial<FleetNode>;
  readonly hosts?: readonly FleetHost[];
  readonly seen?: SeenInbound;
  readonly env?: Record<string, string>;
  readonly sighting?: NodeSighting;
}

function faultsIn({ node, hosts = [], seen = seenAs(), env, sighting }: Situation) {
  const fleet = { nodes: [someNode("main", node)], hosts };
  return linkFaults(settingsWith(env), fleet, new Map([["main", seen]]), sightingsOf(sighting)).map(
    ({ host, detail }) => [host, detail],
  );
}

describe("links", () => {
  const own = (fault: string) => [["n_main", `the inbound vless-in of main ${fault}`]];

  it("agree with what runs by settings, by what a node says, and by what a host says", () => {
    expect(faultsIn({})).toEqual([]);
    expect(faultsIn({ env: { REALITY_SNI: "b.example", REALITY_COMMON_SHORT_ID: "0a000000" } })).toEqual([]);
    const said = { publicKey: KEY, sni: "b.example", shortId: "0A" };
    const wrong = { REALITY_PUBLIC_KEY: OTHER, REALITY_SERVER_NAME: "c.example", REALITY_COMMON_SHORT_ID: "ffffffff" };
    expect(faultsIn({ node: said, env: wrong })).toEqual([]);
    const host = someHost("n_main", "main", { sni: "b.example" });
    expect(faultsIn({ hosts: [host], env: { REALITY_SERVER_NAME: "c.example" } })).toEqual([]);
  });

  it.each<[string, Situation]>([
    [`has the public_key ${KEY}, not ${OTHER}`, { env: { REALITY_PUBLIC_KEY: OTHER } }],
    [
      "takes the server names a.example, b.example, not the sni c.example",
      { env: { REALITY_SERVER_NAME: "c.example" } },
    ],
    ["takes the short ids 7bb45050, 0a, not the short_id ffffffff", { env: { REALITY_COMMON_SHORT_ID: "ffffffff" } }],
    ["does not speak Reality", { seen: seenAs({ reality: null }) }],
    ["takes users of trojan, not of vless", { seen: seenAs({ protocol: "trojan" }) }],
  ])("lead nowhere: %s", (fault, situation) => {
    expect(faultsIn(situation)).toEqual(own(fault));
  });

  it("are reported by each host", () => {
    const hosts = [
      someHost("a", "main", { sni: "c.example" }),
      someHost("b", "main", { sni: "b.example" }),
      someHost("c", "main", { sni: "d.example", hidden: true }),
    ];
    expect(faultsIn({ hosts }).map(([host]) => host)).toEqual(["a"]);
  });

  it("are left out where nothing of this node was seen, or it goes, or it is down since", () => {
    const env = { REALITY_PUBLIC_KEY: OTHER };
    expect(faultsIn({ env, seen: seenAs({}, 1_699_999_999_999) })).toEqual([]);
    expect(faultsIn({ env, node: { state: "disabled" } })).toEqual([]);
    const down = { seenAt: AT + 1_000, failedAt: AT + 10_000 };
    expect(faultsIn({ env, sighting: down })).toEqual([]);
    expect(faultsIn({ env, sighting: { ...down, seenAt: AT + 9_000 } })).toHaveLength(1);
    // It answers, and takes no users of ours.
    expect(faultsIn({ env, sighting: { ...down, seenAt: AT - 1_000 } })).toHaveLength(1);
    expect(linkFaults(settingsWith(env), { nodes: [someNode("main")], hosts: [] }, new Map(), new Map())).toEqual([]);
  });

  it("of an inbound without Reality are compared by its own key", () => {
    const kind = { ...PLAIN_KIND, protocol: "shadowsocks-2022", serverKey: "S" } as const;
    const stored = { regroupedAt: 0, formerGroups: [], isLeaving: false, isUnfilled: false };
    const inbounds = [{ ...PLAIN_INBOUND, ...kind, ...stored, tag: "ss-in" }];
    const seen = (serverKey: string) => seenAs({ protocol: "shadowsocks-2022", reality: null, serverKey });
    expect(faultsIn({ node: { inbounds }, seen: seen("S") })).toEqual([]);
    const [[, detail] = []] = faultsIn({ node: { inbounds }, seen: seen("T") });
    expect(detail).toBe("the inbound ss-in of main has another key of the server than server_key");
  });
});

describe("the watch of links", () => {
  let seen: Map<string, SeenInbound>;
  let said: string[];
  beforeEach(() => {
    [seen, said] = [new Map([["main", seenAs({ reality: null })]]), []];
  });

  it("tells of a host once, when it lasts, and when it is over", async () => {
    const metrics = createMetrics({ service: "api", version: "1", defaultMetrics: false });
    const note = (level: string) => (fields: object, message: string) =>
      void said.push(`${level} ${message} ${"host" in fields ? String(fields.host) : ""}`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only these are called
    const log = { info: note("info"), warn: note("warn"), error: note("error") } as never;
    let fleet: Pick<Fleet, "nodes" | "hosts"> = { nodes: [someNode("main")], hosts: [] };
    const list = async () => seen;
    const sightings = { list: async () => new Map() };
    const watch = new LinkWatch({
      settings: settingsWith(),
      fleet: () => fleet,
      seen: { list },
      sightings,
      metrics,
      log,
    });
    const gauge = async () => /^veil_hosts_mismatched (\d+)$/m.exec(await metrics.registry.metrics())?.[1];
    expect(await gauge()).toBe("0");
    await watch.look();
    expect([await gauge(), said]).toEqual(["0", []]);
    await watch.look();
    await watch.look();
    expect([await gauge(), said]).toEqual(["1", ["error links to a host lead nowhere n_main"]]);
    for (const changed of [{ protocol: "trojan" }, { reality: null }, { protocol: "trojan" }] as const) {
      seen.set("main", seenAs(changed));
      await watch.look();
    }
    expect(said, "one more reason").toHaveLength(2);
    seen.set("main", seenAs());
    await watch.look();
    expect([await gauge(), said.at(-1)]).toEqual(["0", "info recovered n_main"]);

    seen.set("main", seenAs({ reality: null }));
    fleet = { nodes: [someNode("main", { state: "draining" })], hosts: [] };
    for (let looks = 0; looks < 3; looks += 1) await watch.look();
    expect([await gauge(), said.length]).toEqual(["0", 3]);
  });
});
