import { placesOf } from "@veil/nodes";
import { someNode } from "@veil/nodes/testing";
import { createLogger, systemClock } from "@veil/runtime";
import { XrayConfigFile } from "@veil/xray-config";
import { expect, test } from "vitest";
import { NodeGroups, regroupedOf } from "../nodes/node-groups.ts";
import { openConfigMirror } from "./open-config-mirror.ts";
import { SharedWrites } from "./shared-writes.ts";

test.each([
  [true, ["main"]],
  [false, []],
])(
  "an inbound that leaves (%s) is taken out of the file when it is gone, whichever worker ends it",
  async (isLeaving, emptied) => {
    const [place] = placesOf(someNode("main"));
    if (place === undefined) throw new RangeError("a node has an inbound");
    const groups = new NodeGroups({ ...regroupedOf(place), isLeaving: false }, systemClock);
    const file = new XrayConfigFile({ path: "/nowhere/xray.json" });
    const stops: (() => unknown)[] = [];
    const empty: string[] = [];
    openConfigMirror(
      { onStop: (_group, _name, stop) => void stops.push(() => stop(new AbortController().signal)) },
      { RECONCILE_INTERVAL_SECONDS: 3_600, XRAY_ORPHAN_BRAKE: true },
      place,
      { groups, shortId: "00" },
      {
        store: { find: async () => null },
        desired: { recentDesired: async () => new Map() },
        configFile: {
          file,
          node: "main",
          writes: new SharedWrites({ file, onlyWriter: (write) => write(), onWrite: () => {} }),
        },
        inFile: { empty: async ({ name }) => empty.push(name) > 0 },
        clock: systemClock,
        log: createLogger({ service: "test", version: "0", level: "silent" }),
      },
    );
    groups.follow({ ...regroupedOf(place), isLeaving });
    for (const stop of stops) await stop();
    expect(empty).toEqual(emptied);
  },
);
