import type { Namespace } from "../cluster/kubectl.ts";

/** Pods of a DaemonSet in the network of their machines, and their states, as a kubelet reports them. */
export class Pods {
  readonly #namespace: Namespace;
  readonly #address: string;

  /** @param address that of every machine */
  constructor(namespace: Namespace, address: string) {
    this.#namespace = namespace;
    this.#address = address;
  }

  /** Starts a pod on a machine, which is made if it is not there; it is not ready yet. @param port where workers come in */
  async start(name: string, machine: string, port: number): Promise<void> {
    const ports = [{ name: "grpc-tls", containerPort: port }];
    await this.#namespace.apply([
      { apiVersion: "v1", kind: "Node", metadata: { name: machine } },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { "app.kubernetes.io/name": "xray-node" } },
        spec: { nodeName: machine, hostNetwork: true, containers: [{ name: "xray", image: "none", ports }] },
      },
    ]);
    await this.report(name, false);
  }

  async report(name: string, isReady: boolean): Promise<void> {
    const status = {
      phase: "Running",
      podIP: this.#address,
      podIPs: [{ ip: this.#address }],
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
    };
    const patch = JSON.stringify({ status });
    await this.#namespace.run("patch", "pod", name, "--subresource=status", "--type=merge", "--patch", patch);
  }

  /** Asks it to end: it is terminating until it is gone. */
  end(name: string): Promise<string> {
    return this.#namespace.run("delete", "pod", name, "--wait=false");
  }

  gone(name: string): Promise<string> {
    return this.#namespace.run("delete", "pod", name, "--force", "--grace-period=0");
  }
}
