import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { FaultReporter } from "./report/fault-reporter.ts";

/** The kill and fault matrix: minutes of real processes. Its short form is `tests/e2e/faults.test.ts`. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  ssr: { resolve: { conditions: ["veil-src", "node", "default"] } },
  test: {
    include: ["tests/faults/**/*.faults.ts"],
    hookTimeout: 600_000,
    fileParallelism: false,
    reporters: [new FaultReporter()],
  },
});
