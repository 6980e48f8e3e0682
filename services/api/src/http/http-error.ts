/** Thrown when a request is refused on grounds of HTTP alone. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail the text that the caller reads */
  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

/** The answer 429. @param waitSeconds what `Retry-After` says, rounded up, at least 1 */
export function tooMany(detail: string, waitSeconds: number): HttpError {
  return new HttpError(429, detail, { "Retry-After": String(Math.max(1, Math.ceil(waitSeconds))) });
}
