import { describeContract } from "../test/contract-suite.ts";
import { startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

describeContract("in memory", () => startInMemoryApi());
