/** The scopes that an endpoint may ask of its caller; `*` is all of them. */
export const scopes = [
  "keys:read",
  "keys:write",
  "traffic:read",
  "nodes:read",
  "nodes:write",
  "webhooks:read",
  "webhooks:write",
  "events:read",
  "tokens:read",
  "tokens:write",
  "*",
] as const;

export type Scope = (typeof scopes)[number];

/** The scopes of a caller that may only read. */
export const READ_SCOPES: readonly Scope[] = scopes.filter((scope) => scope.endsWith(":read"));

/** Whether a text names a scope. */
export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}

/** Whether a caller with these scopes has that one. No scope contains another, but for `*`. */
export function grants(held: readonly Scope[], scope: Scope): boolean {
  return held.includes("*") || held.includes(scope);
}
