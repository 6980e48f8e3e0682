import { EngineUnavailableError, findXray } from "@veil/engines";
import { type ClientName, clientNames, findClient } from "@veil/real-clients";
import { startMihomoClient } from "./mihomo-client.ts";
import { startSingBoxClient } from "./sing-box-client.ts";
import { startVpnClient, type VpnClient } from "./vpn-client.ts";

/** A program that people have on their side of a key. */
export interface RealProgram {
  readonly name: "Xray" | ClientName;
  /** Why it can't be had on this machine; null when it can. */
  readonly leftOut: string | null;
  readonly path: string;
  /** Starts it with the link as its app would. @throws {ClientRefusal} when it does not take the link */
  start(link: string): Promise<VpnClient>;
}

/** Finds every program, or builds it, one after the other; a build takes one to four minutes and says so. */
export async function findRealPrograms(): Promise<readonly RealProgram[]> {
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const xray = await findXray({ progress });
  const programs: RealProgram[] = [
    { name: "Xray", leftOut: null, path: xray, start: (link) => startVpnClient(xray, link) },
  ];
  for (const name of clientNames) {
    const startWith = name.startsWith("mihomo") ? startMihomoClient : startSingBoxClient;
    const { path, leftOut } = await findClient(name, { progress }).then(
      (found) => ({ path: found, leftOut: null }),
      (error: unknown) => {
        if (error instanceof EngineUnavailableError) return { path: "", leftOut: error.message };
        throw error;
      },
    );
    programs.push({ name, leftOut, path, start: (link) => startWith(path, link) });
  }
  return programs;
}
