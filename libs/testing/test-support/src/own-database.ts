import { randomUUID } from "node:crypto";

/** The address of a fresh database on a shared MongoDB, so that test files never meet. */
export function ownDatabase(mongodbUri: string): string {
  const address = new URL(mongodbUri);
  address.pathname = `/test-${randomUUID().slice(0, 8)}`;
  return address.href;
}

/** A queue prefix that no other test file uses on the shared Redis. */
export function ownPrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}
