import { describe, expect, it } from "vitest";
import { KubernetesApi } from "./kubernetes-api.ts";
import { ServiceEndpoints } from "./service-endpoints.ts";

/** As kube-controller-manager 1.34 writes them. */
const slice = (more: object = {}) => ({
  metadata: { name: "xray-nodes-abcde" },
  addressType: "IPv4",
  ports: [{ name: "grpc", port: 10_443, protocol: "TCP" }],
  endpoints: [
    {
      addresses: ["10.0.0.1"],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "worker-1",
      targetRef: { kind: "Pod", namespace: "veil", name: "xray-node-x7k2p", uid: "u" },
    },
  ],
  ...more,
});
const endpoint = (conditions?: object) => ({ addresses: ["10.0.0.2"], ...(conditions && { conditions }) });

function listOf(...items: unknown[]) {
  const asked: string[] = [];
  const api = new KubernetesApi({ url: "http://127.0.0.1:9", namespace: "veil", token: async () => "token" });
  api.call = async (_method, group, path) => {
    asked.push(`${group} ${path}`);
    return { metadata: { resourceVersion: "77" }, items };
  };
  return { asked, list: () => new ServiceEndpoints(api, "xray-nodes").list() };
}

describe("the endpoints of a Service", () => {
  it("are those of all its slices", async () => {
    const six = slice({ addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"], hostname: "xray-0" }] });
    const { asked, list } = listOf(slice(), six, slice({ endpoints: null }), slice({ endpoints: [], ports: [] }));
    const unnamed = { hostname: null, machine: null, pod: null };
    expect(await list()).toEqual({
      version: "77",
      endpoints: [
        { ...unnamed, address: "10.0.0.1:10443", isReady: true, machine: "worker-1", pod: "xray-node-x7k2p" },
        { ...unnamed, address: "[fd00::1]:10443", isReady: true, hostname: "xray-0" },
      ],
    });
    expect(asked).toEqual([
      "apis/discovery.k8s.io/v1 endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dxray-nodes",
    ]);
  });

  it.each([
    [undefined, true],
    [{ ready: null }, true],
    [{ ready: false }, false],
    // Of a Service that publishes pods that are not ready.
    [{ ready: true, serving: false }, false],
    [{ ready: true, serving: true, terminating: true }, false],
  ])("are ready or not: %j", async (conditions, isReady) => {
    const { endpoints } = await listOf(slice({ endpoints: [endpoint(conditions)] })).list();
    expect(endpoints.map((one) => one.isReady)).toEqual([isReady]);
  });

  it("are at the port that is named grpc where there are several", async () => {
    const ports = [
      { name: "metrics", port: 9_100 },
      { name: "grpc", port: 10_443 },
    ];
    const { endpoints } = await listOf(slice({ ports })).list();
    expect(endpoints.map(({ address }) => address)).toEqual(["10.0.0.1:10443"]);
    await expect(listOf(slice(), slice({ ports: [ports[0], ports[0]] })).list()).rejects.toThrow(/neither one port/);
    await expect(listOf(slice({ ports: null })).list()).rejects.toThrow(/neither one port/);
  });

  it.each([[{ addresses: [] }], [{}], ["a"], [{ addresses: ["a"], conditions: { ready: "yes" } }]])(
    "are not had at all where one can't be read: %j",
    async (broken) => {
      await expect(listOf(slice(), slice({ endpoints: [endpoint(), broken] })).list()).rejects.toThrow();
    },
  );
});
