import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceName } from "@veil/engines";

/** Gives services a wall clock of their own, which can be set while they run. */
export interface WrongClocks {
  readonly nodeArgs: readonly string[];
  env(service: ServiceName): Readonly<Record<string, string>>;
  set(service: ServiceName, aheadMs: number): Promise<void>;
}

const SERVICES = ["api", "xray-worker", "stats-collector"] as const;
const preload = new URL("./wrong-clock.mjs", import.meta.url).href;

/** Clocks that are right until they are set. @param dir holds how far each is ahead */
export async function prepareClocks(dir: string): Promise<WrongClocks> {
  const fileOf = (service: ServiceName) => join(dir, `${service}.clock`);
  const set = async (service: ServiceName, aheadMs: number) => {
    const written = `${fileOf(service)}.new`;
    await writeFile(written, String(aheadMs));
    await rename(written, fileOf(service));
  };
  for (const service of SERVICES) await set(service, 0);
  return { nodeArgs: ["--import", preload], env: (service) => ({ FAULT_TEST_CLOCK: fileOf(service) }), set };
}
