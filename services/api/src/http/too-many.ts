import { HttpError } from "./http-error.ts";

/** The answer 429. */
export function tooMany(detail: string, waitSeconds: number): HttpError {
  return new HttpError(429, detail, { "Retry-After": String(Math.max(1, Math.ceil(waitSeconds))) });
}
