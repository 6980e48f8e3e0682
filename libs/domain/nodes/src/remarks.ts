/** What a host's remark may have between braces, each with what stands there then. */
export const PLACEHOLDERS = {
  key_name: "the key's name, or `key-<id>`",
  key_id: "the key's id",
  node: "the node's name",
  address: "what clients dial",
  protocol: "such as `vless`",
  status: "the key's status, such as `active`",
  days_left:
    "whole days until the key expires, rounded up; of a key on hold, those that it will have; `∞` where it does not end",
  expires_on: "the day on which the key expires, such as `2026-12-31`; `∞` where it does not",
  traffic_used: "traffic since the last reset, such as `1.5 GB`",
  traffic_left: "what is left of the limit; `∞` without one",
  traffic_limit: "the limit; `∞` without one",
} as const;

export type Placeholder = keyof typeof PLACEHOLDERS;

const BRACES = /\{([^{}]*)\}/g;

/** The first thing between braces that is no placeholder; null when all are. */
export function unknownPlaceholder(remark: string): string | null {
  for (const [, name = ""] of remark.matchAll(BRACES)) if (!isPlaceholder(name)) return name;
  return null;
}

/** The placeholders that a remark has. */
export function placeholdersOf(remark: string): readonly Placeholder[] {
  return [...remark.matchAll(BRACES)].map(([, name = ""]) => name).filter(isPlaceholder);
}

/** A remark with its placeholders filled; what is none stays as it is. */
export function filledRemark(remark: string, valueOf: (placeholder: Placeholder) => string): string {
  return remark.replace(BRACES, (text, name: string) => (isPlaceholder(name) ? valueOf(name) : text));
}

function isPlaceholder(name: string): name is Placeholder {
  return Object.hasOwn(PLACEHOLDERS, name);
}
