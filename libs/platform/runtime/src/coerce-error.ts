/**
 * The thrown thing as an Error: itself when it is one, otherwise a new Error that keeps it as its `cause`.
 */
export function coerceError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  if (typeof thrown === "string") return new Error(thrown, { cause: thrown });
  return new Error(`Something that is not an Error was thrown: ${describe(thrown)}`, { cause: thrown });
}

/** The message of whatever was thrown; never empty. */
export function errorMessage(thrown: unknown): string {
  const error = coerceError(thrown);
  return error.message === "" ? error.name : error.message;
}

function describe(thrown: unknown): string {
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    // Circular objects, BigInt fields and throwing getters have no JSON; their type is all that is safe to say.
    return typeof thrown;
  }
}
