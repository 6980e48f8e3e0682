/** Runs an operation again and again, so many at a time. @returns the rate, and milliseconds of each */
export async function inFlight(
  operations: number,
  atOnce: number,
  operation: (index: number) => Promise<unknown>,
): Promise<{ readonly perSecond: number; readonly latencies: number[] }> {
  const latencies: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < operations) {
      const index = next;
      next += 1;
      const begun = performance.now();
      await operation(index);
      latencies.push(performance.now() - begun);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { perSecond: (operations * 1_000) / (performance.now() - begun), latencies };
}
