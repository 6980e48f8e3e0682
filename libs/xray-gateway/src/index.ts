/** The only gRPC code: HandlerService, StatsService and RoutingService of one Xray node. */
export {};
