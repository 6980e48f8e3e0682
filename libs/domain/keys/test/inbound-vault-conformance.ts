import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { InboundVault } from "../src/index.ts";

/**
 * Registers what the rebuild of a node relies on in an {@link InboundVault}.
 *
 * @param open the vault under test; other nodes may be in it already, and each call may give the same one
 */
export function inboundVaultConformance(open: () => Pick<InboundVault, "save" | "load">): void {
  it("has nothing of a node that was never saved", async () => {
    expect(await open().load(`node-${randomUUID()}`)).toBeNull();
  });

  it("gives back what was saved last, letter by letter, and each node its own", async () => {
    const vault = open();
    const [one, two] = [`node-${randomUUID()}`, `node-${randomUUID()}`];
    await vault.save(one, "first");
    await vault.save(two, "other");
    await vault.save(one, '{"tag":"$in.bound","ключ":"\\u0000"}');
    expect(await vault.load(one)).toBe('{"tag":"$in.bound","ключ":"\\u0000"}');
    expect(await vault.load(two)).toBe("other");
  });
}
