import { once } from "node:events";
import { createServer } from "node:net";
import { StackStartError } from "./stack-context.ts";

/**
 * Tries to listen where the API will.
 *
 * @throws {StackStartError} in one sentence for a person when that is not possible.
 */
export async function requireBindable(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new StackStartError(explain(code, host, port), { cause: error });
  } finally {
    server.close();
  }
}

function explain(code: string, host: string, port: number): string {
  if (code === "EADDRINUSE") {
    return `Port ${port} is taken by another program. Stop it, or choose another port; example: API_PORT=8080`;
  }
  if (code === "EACCES")
    return `Port ${port} may not be used by this user. Choose one above 1023; example: API_PORT=8080`;
  return `API_HOST=${host} is no address of this machine (${code}); example: API_HOST=127.0.0.1`;
}
