import { errorBodySchema } from "@veil/http-contract";
import { z } from "zod";
import { type Fields, type FleetState, hostList, nodeList } from "./fleet-state.ts";
import type { Step } from "./plan-fleet.ts";

/** The API did not do what it was asked for. */
export class FleetApiError extends Error {
  override readonly name = "FleetApiError";
}

export interface FleetApiOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
}

interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api`. */
  readonly path: string;
  readonly body?: Fields;
}

/** A deletion waits for the node's users to be out and its last bytes to be read. */
const LONGEST_CALL_MS = 60_000;

/** Nodes and hosts, read and changed over HTTP. */
export class FleetApi {
  readonly #options: FleetApiOptions;

  constructor(options: FleetApiOptions) {
    this.#options = options;
  }

  /** @throws {FleetApiError} */
  async read(): Promise<FleetState> {
    const [{ nodes }, { hosts }] = await Promise.all([
      this.#call({ method: "GET", path: "/nodes" }, nodeList),
      this.#call({ method: "GET", path: "/hosts" }, hostList),
    ]);
    return { nodes, hosts };
  }

  /** @throws {FleetApiError} */
  async carryOut(step: Step): Promise<void> {
    await this.#call(callOf(step), z.unknown());
  }

  async #call<T>({ method, path, body }: Call, schema: z.ZodType<T>): Promise<T> {
    const { url, key } = this.#options;
    const response = await fetch(`${url}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(LONGEST_CALL_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new FleetApiError(`${url} does not answer: ${reasonOf(error)}`);
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) {
      const { data } = schema.safeParse(answer);
      if (data !== undefined) return data;
      throw new FleetApiError(`${url} answers ${method} /api${path} as another version, or another program, does`);
    }
    const detail = errorBodySchema.safeParse(answer).data?.detail ?? response.statusText;
    throw new FleetApiError(`${method} /api${path}: ${response.status} ${detail}`);
  }
}

function callOf(step: Step): Call {
  const ofNode = `/nodes/${encodeURIComponent(step.name)}`;
  const ofHost = `/hosts/${encodeURIComponent(step.name)}`;
  switch (step.does) {
    case "create-node":
      return { method: "POST", path: "/nodes", body: step.body };
    case "change-node":
      return { method: "PATCH", path: ofNode, body: step.body };
    case "drain-node":
      return { method: "POST", path: `${ofNode}/drain` };
    case "undrain-node":
      return { method: "POST", path: `${ofNode}/undrain` };
    case "delete-node":
      return { method: "DELETE", path: ofNode };
    case "create-host":
    case "change-host":
      return { method: "PUT", path: ofHost, body: step.body };
    case "delete-host":
      return { method: "DELETE", path: ofHost };
  }
}

/** The reason that undici hides behind "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error ? cause.message : message;
}
