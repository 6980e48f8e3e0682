import { expect, it } from "vitest";
import { figuresOf, InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { callerKeys } from "../../test/in-memory/request-scope.ts";
import { timerClock } from "../../test/in-memory/timer-clock.ts";
import { Stats } from "./read-usage.ts";

it("figures are those of one owner's keys, and are kept apart", async () => {
  const plane = new InMemoryPlane();
  const now = Math.floor(Date.now() / 1_000);
  for (const [index, owner] of ["shop", "shop", "bazaar", null].entries()) {
    const { keyId } = plane.addKey({ owner });
    const moved = figuresOf({ upload: 10 ** index, download: 0 });
    plane.traffic.set(keyId, { ...moved, lastCountedAt: index === 1 ? 1 : now });
  }
  const stats = new Stats({ traffic: plane.trafficReader, clock: timerClock });
  const of = async (owner: string | null) => {
    const { keys, online, traffic, groups } = await stats.read(callerKeys(plane, owner));
    return [keys.total, online, traffic.reduce((sum, { upload }) => sum + upload, 0), groups.length];
  };
  expect(await of("shop")).toEqual([2, 1, 11, 1]);
  expect(await of("bazaar")).toEqual([1, 1, 100, 1]);
  expect(await of("nobody")).toEqual([0, 0, 0, 0]);
  expect((await of(null)).slice(0, 2)).toEqual([4, 3]);
});
