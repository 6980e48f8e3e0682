import { vi } from "vitest";

/**
 * How long tests wait for what has to come, unless they name a time: some times what the slowest of it takes on an idle machine,
 * for a machine with two busy cores, and less than the shortest limit of a whole test. `expect.poll` has it from the
 * configuration. A time that is a promise is measured, or named in its test.
 */
const PATIENCE_MS = 45_000;

const { waitFor, waitUntil } = vi;

function patiently<T extends object>(options: number | T | undefined): number | T | { timeout: number } {
  return typeof options === "number" ? options : { timeout: PATIENCE_MS, ...options };
}

vi.waitFor = (look, options) => waitFor(look, patiently(options));
vi.waitUntil = (look, options) => waitUntil(look, patiently(options));
