import type { FoundEndpoint } from "@veil/nodes";
import { z } from "zod";
import type { KubernetesApi } from "./kubernetes-api.ts";

const GROUP = "apis/discovery.k8s.io/v1";
/** Which port is meant where a Service has several. */
const PORT_NAME = "grpc";

const endpoint = z.object({
  addresses: z.tuple([z.string()], z.string()),
  conditions: z
    .object({ ready: z.boolean().nullish(), serving: z.boolean().nullish(), terminating: z.boolean().nullish() })
    .default({}),
  hostname: z.string().nullish(),
  nodeName: z.string().nullish(),
  targetRef: z.object({ kind: z.string().optional(), name: z.string().optional() }).nullish(),
});
const slice = z.object({
  metadata: z.object({ name: z.string() }),
  addressType: z.string(),
  ports: z.array(z.object({ name: z.string().nullish(), port: z.number().nullish() })).nullish(),
  endpoints: z.array(endpoint).nullish(),
});
const sliceList = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(slice),
});

/** The endpoints of a Service as of one moment. */
export interface FoundEndpoints {
  readonly endpoints: readonly FoundEndpoint[];
  /** That moment, as the API counts. */
  readonly version: string;
}

/** The endpoints of one Service, ready or not, as its EndpointSlices have them. */
export class ServiceEndpoints {
  readonly #api: KubernetesApi;
  readonly #path: string;

  /** @param service its name, in the namespace of `api` */
  constructor(api: KubernetesApi, service: string) {
    this.#api = api;
    this.#path = `endpointslices?labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${service}`)}`;
  }

  /** @throws {KubernetesApiError | ZodError | SliceError} when they can't be had whole: then nothing is known of any of them */
  async list(): Promise<FoundEndpoints> {
    const { metadata, items } = sliceList.parse(await this.#api.call("GET", GROUP, this.#path));
    return { endpoints: items.flatMap(endpointsOf), version: metadata.resourceVersion };
  }

  /** Waits until something may be other than it was, or a while has passed. @throws {KubernetesApiError} */
  waitForChange(version: string, withinMs: number, signal: AbortSignal): Promise<void> {
    return this.#api.waitForChange(GROUP, `${this.#path}&resourceVersion=${version}`, withinMs, signal);
  }
}

/** Thrown when an EndpointSlice does not say at which port its endpoints are. */
export class SliceError extends Error {
  override readonly name = "SliceError";
}

function endpointsOf({ metadata, addressType, ports, endpoints }: z.infer<typeof slice>): FoundEndpoint[] {
  if (endpoints === null || endpoints === undefined || endpoints.length === 0) return [];
  const named = ports?.length === 1 ? ports[0] : ports?.find(({ name }) => name === PORT_NAME);
  if (named?.port === null || named?.port === undefined) {
    throw new SliceError(`${metadata.name} has neither one port nor one that is named ${PORT_NAME}`);
  }
  const { port } = named;
  return endpoints.map(({ addresses: [address], conditions, hostname, nodeName, targetRef }) => ({
    address: addressType === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`,
    // `ready` is said of every pod of a Service that publishes those that are not.
    isReady: (conditions.serving ?? conditions.ready ?? true) && conditions.terminating !== true,
    hostname: hostname ?? null,
    machine: nodeName ?? null,
    pod: targetRef?.kind === "Pod" ? (targetRef.name ?? null) : null,
  }));
}
