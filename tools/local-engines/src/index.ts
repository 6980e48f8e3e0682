/** Finds or builds Redis, a MongoDB and Xray on this machine, and starts them. */
export {};
