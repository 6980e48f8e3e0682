import { expect, test } from "vitest";
import { freePort, keepPorts } from "./tcp.ts";

test("leaves out ports that something is going to listen on later", async () => {
  const highest = 21_001;
  const left = Array.from({ length: 50 }, (_, index) => highest - index);
  keepPorts(Array.from({ length: highest - 20_000 - left.length + 1 }, (_, index) => 20_000 + index));
  for (let time = 0; time < 3; time += 1) expect(left).toContain(await freePort(highest));
});
