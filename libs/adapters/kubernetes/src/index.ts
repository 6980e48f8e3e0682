/** The API of Kubernetes as a pod may use it. Knows neither what nodes become of endpoints nor which Secrets there are. */
export { type FoundEndpoints, ServiceEndpoints } from "./service-endpoints.ts";
export { KubernetesApi, KubernetesApiError } from "./kubernetes-api.ts";
