import { expect, test } from "vitest";
import { sayUnread, withoutMisspelled } from "./read-environment.ts";

test("a mistyped setting is named, with the one that was meant, and goes on to no service", () => {
  const lines: string[] = [];
  const env = withoutMisspelled({ XRAY_NODE: "[]", DOMAIN: "vpn.example.com", HOME: "/root" }, (line) =>
    lines.push(line),
  );
  expect(env).toEqual({ DOMAIN: "vpn.example.com", HOME: "/root" });
  expect(lines).toEqual(["There is no setting XRAY_NODE: it is ignored. Did you mean XRAY_NODES?"]);
});

test("settings of an Xray that is not started here are named", () => {
  const lines: string[] = [];
  sayUnread({ XRAY_UDP: "block", XRAY_BLOCKED: "203.0.113.7" }, (line) => lines.push(line));
  sayUnread({ XRAY_API_HOST: "10.0.0.2", XRAY_UDP: "" }, (line) => lines.push(line));
  expect(lines).toEqual([]);
  sayUnread({ XRAY_NODES: "[]", XRAY_UDP: "block", XRAY_BLOCKED: "203.0.113.7" }, (line) => lines.push(line));
  expect(lines).toEqual([
    "No Xray is started beside XRAY_NODES, so these have no effect: XRAY_BLOCKED, XRAY_UDP. Say so in that Xray's config.",
  ]);
});
