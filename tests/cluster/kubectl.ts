import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { z } from "zod";

const run = promisify(execFile);
const LARGEST_OUTPUT_BYTES = 64 * 1024 * 1024;

/** @returns what the program printed @throws with what it printed as an error when it fails */
export async function runTool(program: "kubectl" | "helm", args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { maxBuffer: LARGEST_OUTPUT_BYTES });
  return stdout.trim();
}

/** A way to a port inside the cluster, until it is closed or the pod at its end goes. */
export interface Forward {
  /** Port of this machine's loopback. */
  readonly port: number;
  close(): void;
}

/** One namespace of the cluster. */
export class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  run(...args: string[]): Promise<string> {
    return runTool("kubectl", ["--namespace", this.name, ...args]);
  }

  async read<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> {
    return schema.parse(JSON.parse(await this.run(...args, "--output", "json")));
  }

  async apply(objects: readonly object[]): Promise<void> {
    const applying = spawn("kubectl", ["--namespace", this.name, "apply", "--filename", "-"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    applying.stdin.end(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    const [code] = await once(applying, "exit");
    if (code !== 0) throw new Error(`kubectl apply ended with ${code}`);
  }

  /** @param target such as `service/api` @param localPort a free one when absent */
  async forward(target: string, port: number | string, localPort: number | "" = ""): Promise<Forward> {
    const args = ["--namespace", this.name, "port-forward", target, `${localPort}:${port}`, "--address", "127.0.0.1"];
    const forwarding = spawn("kubectl", args, { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface(forwarding.stdout)) {
      const found = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (found === undefined) continue;
      forwarding.stdout.resume();
      return { port: Number(found), close: () => void forwarding.kill() };
    }
    throw new Error(`there is no way to ${target} ${port}`);
  }
}
