import type { Hint } from "@veil/events";
import type { LifecyclePorts } from "../lifecycle-ports.ts";
import type { KeyStep } from "./key-steps.ts";

const PREFIX = "key:";
const NOTHING_EXPECTED: Hint = { ready: () => undefined };

/** Names a key where events are looked for. */
export function subjectOf(keyId: number): string {
  return `${PREFIX}${keyId}`;
}

/** Null for the subject of something else. */
export function keyIdOfSubject(subject: string): number | null {
  const digits = subject.startsWith(PREFIX) ? subject.slice(PREFIX.length) : "";
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null;
}

/** Makes sure that the events of these steps are looked for. To be called before the write with which they are born. */
export async function expectEvents(
  keyId: number,
  steps: readonly KeyStep[],
  { hints }: Pick<LifecyclePorts, "hints">,
): Promise<Hint> {
  return steps.length === 0 ? NOTHING_EXPECTED : hints.expect(subjectOf(keyId));
}
