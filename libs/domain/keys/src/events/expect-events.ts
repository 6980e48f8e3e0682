import type { Hint } from "@veil/events";
import type { LifecyclePorts } from "../lifecycle-ports.ts";

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

/** Makes sure that events of these keys are looked for. To be called before the write with which they are born. */
export async function expectEvents(keyIds: readonly number[], { hints }: Pick<LifecyclePorts, "hints">): Promise<Hint> {
  return keyIds.length === 0 ? NOTHING_EXPECTED : hints.expect(...keyIds.map(subjectOf));
}
