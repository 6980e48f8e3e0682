export { InMemoryTokens } from "./in-memory-tokens.ts";
export { storedToken } from "./stored-token.ts";
export { tokenStoreConformance } from "./token-store-conformance.ts";
