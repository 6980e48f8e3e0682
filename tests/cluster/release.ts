import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { type Namespace, runTool } from "./kubectl.ts";

const chart = fileURLToPath(new URL("../../charts/veil", import.meta.url));
const NAME = "veil";
const ROLLED_OUT_WITHIN = "5m";

const names = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });
const secret = z.object({ data: z.record(z.string(), z.string()) });
const deployment = z.object({
  kind: z.literal("Deployment"),
  metadata: z.object({ name: z.literal("api") }),
  spec: z.object({
    template: z.object({ spec: z.object({ containers: z.tuple([z.object({ image: z.string() })]) }) }),
  }),
});
const logLine = z.looseObject({ level: z.string(), msg: z.string() });
export type LogLine = z.infer<typeof logLine>;

/** Services whose log is one JSON object a line. */
const services = ["api", "xray-worker", "stats-collector"] as const;

/** The chart, as an operator keeps it in a namespace. */
export class Release {
  readonly namespace: Namespace;
  /** As the API is called from inside the cluster. */
  readonly url: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #switches: readonly string[];

  /**
   * @param settings those of every revision
   * @param switches other values of every revision, as `--set` takes them: `xray.enabled=false`
   */
  constructor(namespace: Namespace, settings: Readonly<Record<string, string>>, switches: readonly string[] = []) {
    this.namespace = namespace;
    this.url = `http://api.${namespace.name}.svc:8000`;
    this.#settings = settings;
    this.#switches = switches;
  }

  /** The image of the API, before anything is installed. */
  async imageOfApi(): Promise<string> {
    const rendered = await this.#helm("template", NAME, chart, "--kube-version", "1.30.0", ...this.#values({}));
    const found = parseAllDocuments(rendered).flatMap((document) => {
      const { data } = deployment.safeParse(document.toJS());
      return data === undefined ? [] : [data.spec.template.spec.containers[0].image];
    });
    if (found[0] === undefined) throw new Error("the chart has no Deployment of the API");
    return found[0];
  }

  install(): Promise<string> {
    return this.#helm("install", NAME, chart, ...this.#values({}), "--wait", "--timeout", ROLLED_OUT_WITHIN);
  }

  /** @param settings beside those of every revision */
  async upgrade(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.#helm("upgrade", NAME, chart, ...this.#values(settings), "--wait", "--timeout", ROLLED_OUT_WITHIN);
    await this.rolledOut();
  }

  async rollback(): Promise<void> {
    await this.#helm("rollback", NAME, "--wait", "--timeout", ROLLED_OUT_WITHIN);
    await this.rolledOut();
  }

  test(): Promise<string> {
    return this.#helm("test", NAME);
  }

  uninstall(): Promise<string> {
    return this.#helm("uninstall", NAME, "--wait", "--timeout", ROLLED_OUT_WITHIN);
  }

  /** Waits until every pod is the one that is wanted, and ready. */
  async rolledOut(): Promise<void> {
    for (const kind of ["deployment", "statefulset"]) {
      for (const name of await this.namesOf(kind)) {
        await this.namespace.run("rollout", "status", `${kind}/${name}`, `--timeout=${ROLLED_OUT_WITHIN}`);
      }
    }
  }

  async namesOf(kind: string, selector = ""): Promise<string[]> {
    const { items } = await this.namespace.read(names, "get", kind, `--selector=${selector}`);
    return items.map(({ metadata }) => metadata.name).toSorted();
  }

  async secretOf(name: string, key: string): Promise<string> {
    const { data } = await this.namespace.read(secret, "get", "secret", name);
    return Buffer.from(data[key] ?? "", "base64").toString();
  }

  /** Warnings and errors that the pods of now have logged. */
  async complaints(): Promise<LogLine[]> {
    const printed = await Promise.all(
      services.map((name) =>
        this.namespace.run("logs", `--selector=app.kubernetes.io/name=${name}`, "--tail=-1", "--max-log-requests=20"),
      ),
    );
    return printed
      .flatMap((text) => text.split("\n"))
      .filter((line) => line.startsWith("{"))
      .map((line) => logLine.parse(JSON.parse(line)))
      .filter(({ level }) => level !== "info" && level !== "debug");
  }

  #values(settings: Readonly<Record<string, string>>): string[] {
    const { CLUSTER_VALUES: file } = process.env;
    const set = Object.entries({ ...this.#settings, ...settings });
    return [
      ...(file === undefined ? [] : ["--values", file]),
      ...["xray.service.type=ClusterIP", ...this.#switches].flatMap((value) => ["--set", value]),
      // As JSON: `--set-string` takes braces for a list.
      ...set.flatMap(([name, value]) => ["--set-json", `settings.${name}=${JSON.stringify(value)}`]),
    ];
  }

  #helm(...args: string[]): Promise<string> {
    return runTool("helm", ["--namespace", this.namespace.name, ...args]);
  }
}
