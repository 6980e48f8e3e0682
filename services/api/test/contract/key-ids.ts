import { describe, expect, it } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";
import { answerOf, call, failure, UNKNOWN_ID } from "./bot.ts";

const routes = [
  ["get", ""],
  ["delete", ""],
  ["get", "/link"],
  ["get", "/traffic"],
  ["post", "/traffic/reset"],
] as const;

/** As they stand in the path. */
const words = ["abc", "-1", "+1", "1.0", "1e3", "0x10", "1a", "1,2", "NaN", "null", "undefined", "1-2-3-4-5"];
const tooLarge = ["9007199254740992", "99999999999999999999999999", "1".repeat(1_000)];
const encoded = ["%201", "1%20", "1%0A", "%00", "1%2F2", "..%2F1", "%D9%A3"];

export function describeKeyIds(target: () => ContractTarget): void {
  describe.each(routes)("the key id in %s /api/keys/{key_id}%s", (method, rest) => {
    const send = (id: string) => call(target(), method, `/api/keys/${id}${rest}`);

    it.each([...words, ...tooLarge, ...encoded])("is refused with 400 when it is %s", async (id) => {
      const detail = "key_id must be a whole number from 0 to 9007199254740991, or the key's UUID";
      expect(answerOf(await send(id))).toEqual(failure(400, detail));
    });

    it.each(["0", "00", String(UNKNOWN_ID)])("is not found when it is %s", async (id) => {
      expect(answerOf(await send(id))).toEqual(failure(404, `Key with id ${Number(id)} not found`));
    });
  });
}
