import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";

/** How many deliveries the workers and collectors that run now have found stalled: taken by a process that never ended them. */
export async function stallsIn({ workers, collectors }: FaultTestbed): Promise<number> {
  const counts = await Promise.all([...workers, ...collectors].map(({ opsUrl }) => stallsAt(`${opsUrl}/metrics`)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function stallsAt(metricsUrl: string): Promise<number> {
  try {
    const text = await (await fetch(metricsUrl)).text();
    return [...text.matchAll(/^veil_jobs_total\{[^}]*result="stalled"[^}]*\} (\d+)$/gm)]
      .map(([, count]) => Number(count))
      .reduce((sum, count) => sum + count, 0);
  } catch {
    return 0;
  }
}
