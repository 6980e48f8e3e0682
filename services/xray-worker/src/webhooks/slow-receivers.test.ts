import { expect, it } from "vitest";
import { admitted, SLOW_TOGETHER } from "./slow-receivers.ts";

const MINUTE_MS = 60_000;
const webhooks = (count: number, isSlow: boolean) =>
  Array.from({ length: count }, (_, index) => ({ webhookId: `wh_${isSlow ? "slow" : "fast"}_${index}`, isSlow }));
const ids = (some: readonly { readonly webhookId: string }[]) => some.map(({ webhookId }) => webhookId);

it("lets all in while few receivers are slow", () => {
  const due = [...webhooks(SLOW_TOGETHER, true), ...webhooks(200, false)];
  expect(admitted(due, 5)).toEqual(due);
});

it("lets in some of many that are slow, each sooner or later, and all others", () => {
  const [slow, fast] = [webhooks(200, true), webhooks(200, false)];
  const met = new Set<string>();
  for (let now = 0; now < 100 * MINUTE_MS; now += MINUTE_MS) {
    const entered = new Set(ids(admitted([...slow, ...fast], now)));
    expect([entered.size, ids(fast).every((id) => entered.has(id))]).toEqual([200 + SLOW_TOGETHER, true]);
    for (const id of entered) met.add(id);
  }
  expect(met.size).toBe(400);
});

it("changes nothing for the others when one has nothing due any more", () => {
  const slow = webhooks(100, true);
  const first = new Set(ids(admitted(slow, 0)));
  const [done] = first;
  const second = ids(
    admitted(
      slow.filter(({ webhookId }) => webhookId !== done),
      1_000,
    ),
  );
  expect(second.filter((id) => !first.has(id))).toHaveLength(1);
});
