import { describeClients } from "./describe-clients.ts";
import { makePythonClient } from "./python-client.ts";
import { makeTypescriptClient } from "./typescript-client.ts";

describeClients({ "openapi-typescript": makeTypescriptClient, "openapi-python-client": makePythonClient });
