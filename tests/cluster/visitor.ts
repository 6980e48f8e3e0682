import { readFile } from "node:fs/promises";
import { CertificateAuthority } from "@veil/test-support";
import { z } from "zod";
import type { Namespace } from "./kubectl.ts";

const service = z.object({ spec: z.object({ clusterIP: z.string() }) });
const report = z.object({ made: z.array(z.number()), answers: z.record(z.string(), z.number()) });
/** The ids of keys whose creation was answered 200, and how often each status, or error of the network, was seen. */
export type LoadReport = z.infer<typeof report>;

const LABELS = { app: "visitor" };
const RATE_PER_SECOND = 20;
/** The image has no program but Node. */
const STOP = 'require("node:fs").writeFileSync("/tmp/stop", "")';

/** A pod in a namespace of its own, from which the API is called as from anywhere in the cluster, with a website beside it. */
export class Visitor {
  /** The address of the website, which stays. */
  readonly address: string;
  readonly #namespace: Namespace;
  #image = "";
  #loads = 0;

  private constructor(namespace: Namespace, address: string) {
    this.#namespace = namespace;
    this.address = address;
  }

  static async create(namespace: Namespace): Promise<Visitor> {
    const ports = [8_080, 9_443].map((port) => ({ name: `p${port}`, port }));
    const metadata = { name: "visitor", labels: LABELS };
    await namespace.apply([{ apiVersion: "v1", kind: "Service", metadata, spec: { selector: LABELS, ports } }]);
    const { spec } = await namespace.read(service, "get", "service", "visitor");
    return new Visitor(namespace, spec.clusterIP);
  }

  /** @param image one with Node @param serverName the name of the website's certificate */
  async start(image: string, serverName: string): Promise<void> {
    const authority = await CertificateAuthority.create();
    const { certificate, key } = await authority.issue(serverName);
    const script = await readFile(new URL("visitor.mjs", import.meta.url), "utf8");
    const files = { "visitor.mjs": script, "tls.crt": certificate, "tls.key": key };
    await this.#namespace.apply([
      { apiVersion: "v1", kind: "Secret", metadata: { name: "visitor" }, stringData: files },
      podOf("visitor", image, ["site"]),
    ]);
    this.#image = image;
    await this.#namespace.run("wait", "pod/visitor", "--for=condition=Ready", "--timeout=60s");
  }

  /** Calls the API twenty times a second while `happens` does, and for two seconds before and after. */
  async whileCalling(url: string, key: string, happens: () => Promise<void>): Promise<LoadReport> {
    const name = `load-${++this.#loads}`;
    const plan = JSON.stringify({ url, key, perSecond: RATE_PER_SECOND });
    // A pod of its own: what it saw stays in its log, whatever becomes of a connection to it.
    await this.#namespace.apply([podOf(name, this.#image, ["load", plan])]);
    await this.#namespace.run("wait", `pod/${name}`, "--for=condition=Ready", "--timeout=60s");
    try {
      await aWhile();
      await happens();
      await aWhile();
    } finally {
      await this.#namespace.run("exec", name, "--", "node", "-e", STOP);
    }
    await this.#namespace.run("wait", `pod/${name}`, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s");
    return report.parse(JSON.parse(await this.#namespace.run("logs", name)));
  }
}

function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2_000));
}

function podOf(name: string, image: string, args: readonly string[]): object {
  const spec = {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "visitor",
        image,
        imagePullPolicy: "IfNotPresent",
        command: ["node", "/visitor/visitor.mjs", ...args],
        ...(args[0] === "site" && { readinessProbe: { tcpSocket: { port: 9_443 }, periodSeconds: 1 } }),
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        volumeMounts: [{ name: "visitor", mountPath: "/visitor", readOnly: true }],
      },
    ],
    volumes: [{ name: "visitor", secret: { secretName: "visitor" } }],
  };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: args[0] === "site" ? LABELS : {} }, spec };
}
