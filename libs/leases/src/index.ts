/** Short exclusive leases in Redis that remember a holder that died. */
export {};
