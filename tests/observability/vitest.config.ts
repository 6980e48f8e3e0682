import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Watches the whole system with a real Prometheus for a quarter of an hour: under load, and while Xray is away. */
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  ssr: { resolve: { conditions: ["veil-src", "node", "default"] } },
  test: {
    include: ["tests/observability/**/*.check.ts"],
    testTimeout: 1_500_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
