import { afterAll, beforeAll, describe } from "vitest";
import { describeAuthentication } from "./contract/authentication.ts";
import { describeBodies } from "./contract/bodies.ts";
import { describeDocumentation } from "./contract/documentation.ts";
import { describeEnvelope } from "./contract/envelope.ts";
import { describeKeyIds } from "./contract/key-ids.ts";
import { describeKeys } from "./contract/keys.ts";
import { describeTraffic } from "./contract/traffic.ts";

/** A running API, whatever stands behind it. */
export interface ContractTarget {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly secret: string;
  readonly shortId: string;
  close(): Promise<void>;
}

/**
 * The HTTP contract as tests, for any running API. Keys that others made may be there; those made here are deleted
 * again where the test is not about that.
 */
export function describeContract(name: string, makeTarget: () => Promise<ContractTarget>): void {
  describe(`HTTP contract (${name})`, () => {
    let target: ContractTarget | undefined;
    beforeAll(async () => {
      target = await makeTarget();
    });
    afterAll(async () => {
      await target?.close();
    });
    const running = (): ContractTarget => {
      if (target === undefined) throw new Error("the API did not start");
      return target;
    };

    describeAuthentication(running);
    describeBodies(running);
    describeDocumentation(running);
    describeEnvelope(running);
    describeKeyIds(running);
    describeKeys(running);
    describeTraffic(running);
  });
}
