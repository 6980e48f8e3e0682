import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Installs the chart in the cluster that KUBECONFIG leads to, and does to it what an operator does and what happens to it. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  ssr: { resolve: { conditions: ["veil-src", "node", "default"] } },
  test: {
    include: ["tests/cluster/**/*.check.ts"],
    setupFiles: ["libs/testing/test-support/src/patience.setup.ts"],
    expect: { poll: { timeout: 60_000, interval: 500 } },
    testTimeout: 300_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    bail: 1,
  },
});
