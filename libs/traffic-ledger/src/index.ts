/** Counter readings to totals, exactly once. Pure. */
export {};
