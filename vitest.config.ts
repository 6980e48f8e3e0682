import { defineConfig } from "vitest/config";

/** The libs are imported from source through the `veil-src` condition, so no build stands between an edit and its test. */
const fromSource = { ssr: { resolve: { conditions: ["veil-src", "node", "default"] } } };

export default defineConfig({
  ...fromSource,
  test: {
    projects: [
      {
        ...fromSource,
        test: {
          name: "unit",
          include: ["{libs/*,services,tools}/*/src/**/*.test.ts", "tests/{documents,model}/**/*.test.ts"],
          exclude: ["**/*.integration.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        ...fromSource,
        test: {
          name: "integration",
          include: ["{libs/*,services,tools}/*/src/**/*.integration.test.ts", "services/*/test/**/*.test.ts"],
          globalSetup: ["libs/testing/test-support/src/engines.global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        ...fromSource,
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts", "tests/observability/**/*.test.ts", "tests/clients/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
