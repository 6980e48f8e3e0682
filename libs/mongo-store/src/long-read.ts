import type { mongo } from "mongoose";

/**
 * For reads of all keys: an engine without the right index takes seconds for tens of thousands of them before the first one
 * comes, longer than anything else may take. The driver takes a time limit with every operation; its types don't tell.
 */
export const longRead: Pick<mongo.FindOptions, "promoteValues"> & { readonly socketTimeoutMS: number } = {
  socketTimeoutMS: 30_000,
};
