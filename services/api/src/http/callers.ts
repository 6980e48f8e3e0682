import { createHash, hash, timingSafeEqual } from "node:crypto";

/** A secret that callers may come with. */
export interface ApiSecret {
  /** Names the caller in the log; null for a secret without a name. */
  readonly name: string | null;
  /** What may stand behind `Bearer`: the secret, and with its name before it. */
  readonly tokens: readonly [string, ...string[]];
  readonly readOnly: boolean;
}

/** Who sent a request. */
export interface Caller {
  /** The name of the secret, or its position counted from 1. */
  readonly label: string | number;
  /** The same for one secret wherever it stands in the settings; tells nothing of it. */
  readonly id: string;
  readonly readOnly: boolean;
}

/** Finds callers by what they send. Every token is compared, by digests of one length, so that the time says nothing. */
export function callerFinder(secrets: readonly ApiSecret[]): (token: string) => Caller | null {
  const known = secrets.flatMap(({ name, tokens, readOnly }, position) => {
    const id = createHash("sha256").update("caller ").update(tokens[0]).digest("hex").slice(0, 32);
    const caller: Caller = { label: name ?? position + 1, id, readOnly };
    return tokens.map((token) => ({ digest: digestOf(token), caller }));
  });
  return (token) => {
    const digest = digestOf(token);
    let found: Caller | null = null;
    for (const one of known) {
      if (timingSafeEqual(digest, one.digest)) found = one.caller;
    }
    return found;
  };
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
