import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { HistoryUpdate, UsageStore } from "../src/index.ts";

/**
 * Registers what the history of usage relies on in a {@link UsageStore}.
 *
 * @param open the store under test; other entities may be in it already, and each call may give the same one
 */
export function usageStoreConformance(open: () => UsageStore): void {
  it("finds nothing of an entity without a past", async () => {
    expect(await open().readUsage(randomUUID())).toBeNull();
    expect(await open().readMany([randomUUID()])).toEqual(new Map());
  });

  it("only ever raises milestones, in whatever order, and drops old ones", async () => {
    const [store, entity] = [open(), randomUUID()];
    await store.writeMany([update(entity, { 7: 30, 8: 50 })]);
    await store.writeMany([update(entity, { 7: 20, 9: 60 }), update(entity, { 8: 55 })]);
    await store.writeMany([{ ...update(entity, { 10: 70 }), oldHours: ["7", "1"], oldDays: ["3"] }]);
    const history = { hours: { 8: both(55), 9: both(60), 10: both(70) }, days: { 0: both(70) } };
    expect(await store.readUsage(entity)).toEqual(history);
    expect(await store.readMany([entity, randomUUID()])).toEqual(new Map([[entity, history]]));
  });

  it("names all entities, and removes those it is given", async () => {
    const [store, kept, removed] = [open(), randomUUID(), randomUUID()];
    await store.writeMany([update(kept, { 1: 1 }), update(removed, { 1: 1 })]);
    await store.remove([removed, randomUUID()]);
    const entities: string[] = [];
    for await (const entity of store.entities()) entities.push(entity);
    expect(entities).toContain(kept);
    expect(entities).not.toContain(removed);
  });
}

function both(bytes: number): { up: number; down: number } {
  return { up: bytes, down: bytes * 2 };
}

function update(entity: string, hours: Readonly<Record<string, number>>): HistoryUpdate {
  const raised = Object.fromEntries(Object.entries(hours).map(([hour, bytes]) => [hour, both(bytes)]));
  const days = { 0: both(Math.max(...Object.values(hours))) };
  return { entity, hours: raised, days, oldHours: [], oldDays: [] };
}
