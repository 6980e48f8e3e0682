import { expect, test } from "vitest";
import { type Stage, StopOrder } from "./stop-order.ts";

function recording(order: string[], name: string) {
  return {
    stop: async () => {
      await Promise.resolve();
      order.push(`${name} stopped`);
    },
    kill: () => {
      order.push(`${name} killed`);
    },
  };
}

test("everything ends before what it stands on, whatever the order it was started in", async () => {
  const order: string[] = [];
  const stopOrder = new StopOrder();
  for (const stage of ["redis", "mongodb", "xray", "services", "api"] satisfies Stage[]) {
    stopOrder.add(stage, recording(order, stage));
  }
  await stopOrder.stop();
  expect(order).toEqual(["api stopped", "services stopped", "xray stopped", "mongodb stopped", "redis stopped"]);
});

test("what comes up while the rest is being stopped is killed", async () => {
  const order: string[] = [];
  const stopOrder = new StopOrder();
  await stopOrder.stop();
  stopOrder.add("xray", recording(order, "xray"));
  expect(order).toEqual(["xray killed"]);
});
