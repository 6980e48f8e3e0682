/** Characters of what a caller sent that an answer repeats. */
const LONGEST_ECHO = 40;

/** The texts of the contract that bots may match on. */
export const messages = {
  keyDeleted: (keyId: number) => `Key ${keyId} deleted successfully`,
  trafficReset: (keyId: number) => `Traffic reset successfully for key ${keyId}`,
  trafficSynced: (updated: number, errors: number) => `Synced ${updated} keys, ${errors} errors`,
  keyNotFound: (keyId: number | string) => `Key with id ${keyId} not found`,
  failedTo: (action: string, reason: string) => `Failed to ${action}: ${reason}`,
  notConfigured: (what: "Reality public key" | "server domain") => `${what} not configured`,
  jobNotFound: (jobId: string) => `Job with id ${jobId} not found`,
  pathNotFound: "Not Found",
  methodNotAllowed: "Method Not Allowed",
  notAuthenticated: "Not authenticated",
  invalidToken: "Invalid authentication token",
  malformedRequest: "The request is not valid HTTP",
  headersTooLarge: "Request Header Fields Too Large",
  unreadableBody: "The body could not be read",
  malformedJson: "The body is not valid JSON",
  malformedPath: "The path holds a malformed percent-encoding",
  unsupportedContentType: "Content-Type must be application/json in UTF-8",
  unsupportedContentEncoding: "Content-Encoding must be gzip, deflate, br or identity",
  idempotencyKeyMalformed: "Idempotency-Key must be 1 to 255 visible ASCII characters",
  idempotencyKeyReused: "Idempotency-Key was used before with another request",
  idempotencyUnavailable: "Idempotency-Key can't be honored at the moment",
  asyncUnavailable: "Prefer: respond-async can't be honored at the moment",
  unknownParameter: (name: string, known: readonly string[]) =>
    `unknown query parameter ${JSON.stringify(name.slice(0, LONGEST_ECHO))}; known here: ${known.join(", ")}`,
  readOnlyKey: "This API key may only read",
  addressNotAllowed: "This address is not allowed",
  tooManyRequests: "Too many requests",
  tooManyFailures: "Too many failed attempts to authenticate",
  bodyTooLarge: (limitBytes: number) => `The body must not be larger than ${limitBytes / 1024} KiB`,
  storeUnavailable: "The key store is unavailable",
  internalError: "Internal Server Error",
} as const;
