{{/* The settings of the services: those that the manifests begin with, those of parts that are on, and the release's own. */}}
{{- define "veil.settings" -}}
{{- $settings := dict -}}
{{- $kustomizations := list "manifests/base/kustomization.yaml" -}}
{{- if .Values.xray.enabled -}}{{- $kustomizations = append $kustomizations "manifests/components/xray/kustomization.yaml" -}}{{- end -}}
{{- if .Values.xray.daemonSet.enabled -}}{{- $kustomizations = append $kustomizations "manifests/components/xray-daemonset/kustomization.yaml" -}}{{- end -}}
{{- range $path := $kustomizations -}}
{{- range $generator := (fromYaml ($.Files.Get $path)).configMapGenerator -}}
{{- range $literal := $generator.literals -}}
{{- $pair := regexSplit "=" $literal 2 -}}
{{- $_ := set $settings (index $pair 0) (index $pair 1) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.ingress -}}
{{- if and .enabled .host -}}
{{- $_ := set $settings "SUBSCRIPTION_URL" (printf "%s://%s" (include "veil.ingressScheme" .) .host) -}}
{{- end -}}
{{- end -}}
{{- include "veil.refuseNames" . -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $settings $name (ternary $value (toJson $value) (kindIs "string" $value)) -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* How the Ingress is called: by https once it has a certificate, given or to be issued. */}}
{{- define "veil.ingressScheme" -}}
{{- ternary "https" "http" (or .tlsSecret .clusterIssuer | empty | not) -}}
{{- end -}}

{{/*
Secrets, since the settings are a ConfigMap, which many may read who may read no Secret; and what the manifests say in the containers
themselves, where it has to agree with a port, a mount or a grace period.
*/}}
{{- define "veil.refuseNames" -}}
{{- $secrets := list "ADMIN_PASSWORD" "API_READONLY_KEY" "API_SECRET_KEY" "MONGODB_URI" "REALITY_PRIVATE_KEY" "REDIS_URL" "WEBHOOK_SECRET_KEY" -}}
{{- $fixed := list "API_PORT" "METRICS_PORT" "NODE_ENV" "SHUTDOWN_DEADLINE_MS" "XRAY_TLS_DIR" -}}
{{- range $name, $_ := .Values.settings -}}
{{- if has $name $secrets -}}
{{- fail (printf "settings.%s: it comes from a Secret and not from the settings. Put it there, and then take it out of the values: see Secrets in manifests/README.md" $name) -}}
{{- else if has $name $fixed -}}
{{- fail (printf "settings.%s: the manifests set it in each container, so that it would have no effect here. Take it out of the values" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
