import { expect, it } from "vitest";
import { inboundCounter, keyCounter, keyReadings } from "./node-counters.ts";

it("names counters as Xray does", () => {
  expect(keyCounter(7, "up")).toBe("user>>>7@veil>>>traffic>>>uplink");
  expect(inboundCounter("vless-in", "down")).toBe("inbound>>>vless-in>>>traffic>>>downlink");
});

it("finds our users' bytes among everybody's counters", () => {
  const counters = [
    { name: keyCounter(7, "up"), value: 1 },
    { name: keyCounter(7, "down"), value: 2 },
    { name: keyCounter(8, "down"), value: 3 },
    { name: "user>>>alice@example.com>>>traffic>>>uplink", value: 4 },
    { name: "user>>>07@veil>>>traffic>>>uplink", value: 5 },
    { name: "user>>>7@veil>>>online", value: 6 },
    { name: "user>>>7@veil>>>traffic>>>sidelink", value: 7 },
    { name: inboundCounter("vless-in", "up"), value: 8 },
  ];
  expect(keyReadings(counters)).toEqual(
    new Map([
      ["7", { up: 1, down: 2 }],
      ["8", { down: 3 }],
    ]),
  );
});
