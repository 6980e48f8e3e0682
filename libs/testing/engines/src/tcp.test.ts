import { expect, test, vi } from "vitest";
import { freePort, keepPorts } from "./tcp.ts";

test("leaves out ports that something is going to listen on later", async () => {
  const highest = 21_001;
  const left = Array.from({ length: 50 }, (_, index) => highest - index);
  keepPorts(Array.from({ length: highest - 20_000 - left.length + 1 }, (_, index) => 20_000 + index));
  for (let time = 0; time < 3; time += 1) expect(left).toContain(await freePort(highest));
});

test("gives no port twice, so that an engine that is away for a while has its own when it is back", async () => {
  vi.useFakeTimers();
  try {
    const highest = 21_001;
    const given = new Set<number>();
    for (let time = 0; time < 40; time += 1) {
      given.add(await freePort(highest));
      // Its library forgets what it gave after half a minute.
      vi.advanceTimersByTime(60_000);
    }
    expect(given.size).toBe(40);
  } finally {
    vi.useRealTimers();
  }
});
