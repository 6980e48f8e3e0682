import { expect, it } from "vitest";
import { filledRemark, placeholdersOf, unknownPlaceholder } from "./remarks.ts";

it("fills what is a placeholder, and leaves everything else", () => {
  expect(filledRemark("🇫🇮 {node}: {traffic_left} {", (name) => name.toUpperCase())).toBe("🇫🇮 NODE: TRAFFIC_LEFT {");
  expect(placeholdersOf("{node}{node} {x} {key_id}")).toEqual(["node", "node", "key_id"]);
});

it("names the first thing in braces that is none", () => {
  expect(unknownPlaceholder("{node} {days} {x}")).toBe("days");
  for (const name of ["", " node", "toString", "NODE"]) expect(unknownPlaceholder(`{${name}}`)).toBe(name);
  expect(unknownPlaceholder("{ } }{ {node".replace("{ }", ""))).toBeNull();
});
