import { expect, test } from "vitest";
import { ObstacleError, SaidReasons } from "./said-reasons.ts";

test("a reason is news once until the condition ends, whatever numbers its text has", () => {
  const reasons = new SaidReasons();
  const errors = [new Error("late by 12 ms"), new Error("late by 3.5 ms"), new TypeError("late by 3.5 ms")];
  expect([...errors, ...errors].map((err) => reasons.isNew(err))).toEqual([true, false, true, false, false, false]);
  expect([reasons.end(), reasons.end()]).toEqual([true, false]);
  expect(errors.map((err) => reasons.isNew(err))).toEqual([true, false, true]);
});

test("the cause and the code make a reason of their own", () => {
  const reasons = new SaidReasons();
  const refused = new Error("away", { cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) });
  const expired = new Error("away", { cause: Object.assign(new Error("connect"), { code: "CERT_HAS_EXPIRED" }) });
  expect([refused, expired, refused, expired].map((err) => reasons.isNew(err))).toEqual([true, true, false, false]);
});

test("an obstacle is another one when its words are, numbers too", () => {
  const reasons = new SaidReasons();
  const obstacles = ["held by eu-1", "held by eu-2", "held by eu-1"].map((text) => new ObstacleError(text));
  expect(obstacles.map((err) => reasons.isNew(err))).toEqual([true, true, false]);
});

test("of a condition with ever other reasons a few are said", () => {
  const reasons = new SaidReasons();
  const errors = Array.from({ length: 100 }, (_, index) => new ObstacleError(`reason ${index}`));
  expect(errors.filter((err) => reasons.isNew(err))).toHaveLength(8);
});
