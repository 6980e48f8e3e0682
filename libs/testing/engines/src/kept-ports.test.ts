import { expect, test, vi } from "vitest";
import { freePort } from "./tcp.ts";

// Alone in its file: the library sets its timer at the first port of a process, which has to be under the clock of this test.
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
