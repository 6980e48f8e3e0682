import { describeClients } from "./describe-clients.ts";
import { makeOapiCodegenClient, makeOpenApiGeneratorClient } from "./go-clients.ts";
import { makePhpClient } from "./php-client.ts";

describeClients({
  "oapi-codegen": makeOapiCodegenClient,
  "openapi-generator-go": makeOpenApiGeneratorClient,
  "openapi-generator-php": makePhpClient,
});
