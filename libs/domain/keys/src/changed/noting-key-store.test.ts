import { describe, expect, it } from "vitest";
import type { KeyStore } from "../ports.ts";
import { NotingKeyStore } from "./noting-key-store.ts";

type Write = (store: KeyStore) => Promise<unknown>;

const entry = { hand: "a", inPlaceOf: null, indeterminate: ["main"] };
const done = { clear: [], converged: ["main"] };

/** Every method that changes what nodes should hold, or what is left to do there. */
const writes: Readonly<Record<string, Write>> = {
  decide: (store) => store.decide({ keyId: 7 } as Parameters<KeyStore["decide"]>[0]),
  change: (store) => store.change(7, {} as Parameters<KeyStore["change"]>[1]),
  changeMany: (store) => store.changeMany(new Map([[7, {} as Parameters<KeyStore["change"]>[1]]])),
  takeUp: (store) => store.takeUp(7, entry),
  letGo: (store) => store.letGo(7, [], done),
  beginDeletion: (store) => store.beginDeletion(7, "job"),
  cancel: (store) => store.cancel(7, []),
  finishDeletion: (store) => store.finishDeletion(7),
  markIndeterminate: (store) => store.markIndeterminate(7, "main"),
  clearIndeterminate: (store) => store.clearIndeterminate(7, "main"),
};

function noting(outcome: () => Promise<unknown>) {
  const steps: string[] = [];
  const write = async () => {
    steps.push("write");
    return outcome();
  };
  const store = new Proxy({} as KeyStore, { get: () => write });
  const notes = {
    note: async (keyIds: readonly number[], mayComeLateMs: number) => {
      steps.push(`note ${keyIds.join(" ")} ${mayComeLateMs > 0 ? "late" : "now"}`);
    },
  };
  return { store: new NotingKeyStore(store, notes), steps };
}

describe("NotingKeyStore", () => {
  it.each(Object.entries(writes))("notes %s before it writes", async (_, write) => {
    const { store, steps } = noting(async () => null);
    await write(store);
    expect(steps).toEqual(["note 7 now", "write"]);
  });

  it.each(Object.entries(writes))("expects that %s comes late when nobody knows its outcome", async (_, write) => {
    const { store, steps } = noting(async () => Promise.reject(new Error("no answer")));
    await expect(write(store)).rejects.toThrow("no answer");
    expect(steps).toEqual(["note 7 now", "write", "note 7 late"]);
  });

  it("notes nothing of reads, and of hands that mark no node", async () => {
    const { store, steps } = noting(async () => null);
    await store.find(7);
    await store.takeUp(7, { ...entry, indeterminate: [] });
    await store.letGo(7, ["a"]);
    expect(steps).toEqual(["write", "write", "write"]);
  });
});
