import { describe, expect, it } from "vitest";
import type { HandEntry, HandledKey, KeyStore } from "../src/index.ts";
import { activeKey, idsOf } from "./stored-keys.ts";

const MISSING = 1_999_999;

/**
 * Registers what hands that are entered into many keys at once promise in a {@link KeyStore}.
 *
 * @param open the store under test; other keys may be in it already, and each call may give the same one
 */
export function manyHandsConformance(open: () => KeyStore): void {
  describe("hands of many keys", () => {
    const entry = (hand: string, overrides: Partial<HandEntry> = {}): HandEntry => ({
      hand,
      inPlaceOf: null,
      indeterminate: [],
      ...overrides,
    });

    /** The keys as whoever takes many up at once is shown them. */
    const takeUpMany = async (store: KeyStore, keyIds: readonly number[], hand: string) => {
      const found: HandledKey[] = [];
      for await (const keys of await store.takeUpMany(keyIds, hand)) found.push(...keys);
      return new Map(found.map((key) => [key.keyId, key]));
    };
    const some = async (store: KeyStore, count: number) =>
      idsOf(await Promise.all(Array.from({ length: count }, () => activeKey(store))));

    it("enters one hand into many keys, shows them as they are, and takes it out of all but some", async () => {
      const store = open();
      const keyIds = await some(store, 700);
      const [first = 0, second = 0, third = 0] = keyIds;
      await store.takeUp(first, entry("alone", { indeterminate: ["main"] }));
      await store.beginDeletion(second, "delete-a");
      const found = await takeUpMany(store, [...keyIds, MISSING], "many");
      expect([...found.keys()].toSorted((one, other) => one - other)).toEqual(
        keyIds.toSorted((one, other) => one - other),
      );
      expect(found.get(first)).toMatchObject({ indeterminate: ["main"] });
      expect(found.get(first)?.hands.toSorted()).toEqual(["alone", "many"]);
      expect(found.get(second)).toMatchObject({ phase: "deleting", hands: ["many"] });
      await store.letGoMany("many", [third]);
      const later = await takeUpMany(store, [first, second, third], "later");
      expect(later.get(first)?.hands.toSorted()).toEqual(["alone", "later"]);
      expect(later.get(third)?.hands.toSorted()).toEqual(["later", "many"]);
      await store.letGoMany("later", []);
      await store.letGoMany("many", []);
      expect((await takeUpMany(store, [third], "last")).get(third)?.hands).toEqual(["last"]);
      await store.letGoMany("last", []);
    });

    it("shows to each of two who enter at once the other, of many keys or of one", async () => {
      const store = open();
      const [keyId = 0, beside = 0] = await some(store, 2);
      const [many, others, single] = await Promise.all([
        takeUpMany(store, [keyId, beside], "many"),
        takeUpMany(store, [keyId], "others"),
        store.takeUp(keyId, entry("one")),
      ]);
      const seen: Record<string, readonly string[]> = {
        many: many.get(keyId)?.hands ?? [],
        others: others.get(keyId)?.hands ?? [],
        one: single?.hands ?? [],
      };
      const shows = (reader: string, hand: string) => (seen[reader] ?? []).includes(hand);
      for (const mine of Object.keys(seen)) {
        expect(seen[mine]).toContain(mine);
        for (const theirs of Object.keys(seen)) {
          expect(shows(mine, theirs) || shows(theirs, mine)).toBe(true);
        }
      }
      await store.letGoMany("many", []);
      await store.letGoMany("others", []);
    });

    it("is taken out of hundreds of keys by as many who come at once, and of no other", async () => {
      const store = open();
      const keyIds = await some(store, 300);
      const [kept = 0, ...others] = keyIds;
      await takeUpMany(store, keyIds, "died");
      const replacing = entry("next", { inPlaceOf: "died" });
      const found = await Promise.all(others.map((keyId) => store.takeUp(keyId, replacing)));
      expect(new Set(found.map((key) => key?.hands.join(" ")))).toEqual(new Set(["next"]));
      const later = await takeUpMany(store, keyIds, "later");
      expect(later.get(kept)?.hands.toSorted()).toEqual(["died", "later"]);
      const hands = others.map((keyId) => later.get(keyId)?.hands.toSorted().join(" "));
      expect(new Set(hands)).toEqual(new Set(["later next"]));
      await store.letGoMany("later", []);
      await store.letGoMany("died", []);
    });

    it("shows a hand of many keys to every change of one, and takes it out of that one when it is replaced", async () => {
      const store = open();
      const [keyId = 0, beside = 0] = await some(store, 2);
      await takeUpMany(store, [keyId, beside], "many");
      expect((await store.takeUp(keyId, entry("one")))?.hands.toSorted()).toEqual(["many", "one"]);
      const replacing = entry("two", { inPlaceOf: "many" });
      expect((await store.beginDeletion(keyId, "delete-a", replacing))?.hands.toSorted()).toEqual(["one", "two"]);
      expect((await store.takeUp(beside, entry("one")))?.hands.toSorted()).toEqual(["many", "one"]);
      await store.letGo(beside, ["one", "many"]);
      expect((await store.takeUp(beside, entry("two")))?.hands).toEqual(["two"]);
      await store.letGoMany("many", []);
    });
  });
}
