{{/* The settings of the services: those that the manifests begin with, those of parts that are on, and the release's own. */}}
{{- define "veil.settings" -}}
{{- $settings := dict -}}
{{- $kustomizations := list "manifests/base/kustomization.yaml" -}}
{{- if .Values.xray.enabled -}}{{- $kustomizations = append $kustomizations "manifests/components/xray/kustomization.yaml" -}}{{- end -}}
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
{{- $_ := set $settings "SUBSCRIPTION_URL" (printf "%s://%s" (ternary "https" "http" (or .tlsSecret .clusterIssuer | empty | not)) .host) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $settings $name (ternary $value (toJson $value) (kindIs "string" $value)) -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}
