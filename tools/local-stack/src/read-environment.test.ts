import { expect, test } from "vitest";
import { withoutMisspelled } from "./read-environment.ts";

test("a mistyped setting is named, with the one that was meant, and goes on to no service", () => {
  const lines: string[] = [];
  const env = withoutMisspelled({ XRAY_NODE: "[]", DOMAIN: "vpn.example.com", HOME: "/root" }, (line) =>
    lines.push(line),
  );
  expect(env).toEqual({ DOMAIN: "vpn.example.com", HOME: "/root" });
  expect(lines).toEqual(["There is no setting XRAY_NODE: it is ignored. Did you mean XRAY_NODES?"]);
});
