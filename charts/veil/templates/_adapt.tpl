{{/*
One object of the manifests as this release wants it. Takes `object`, which it changes in place, and `root`.
*/}}
{{- define "veil.adapt" -}}
{{- $object := .object -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $name := $object.metadata.name -}}
{{- $labels := merge (dict "app.kubernetes.io/part-of" "veil" "app.kubernetes.io/managed-by" $root.Release.Service) ($object.metadata.labels | default dict) -}}
{{- $_ := set $object.metadata "namespace" $root.Release.Namespace -}}
{{- $_ := set $object.metadata "labels" $labels -}}
{{- if has $object.kind (list "Deployment" "StatefulSet" "DaemonSet") -}}{{- include "veil.adaptWorkload" . -}}{{- end -}}
{{- if eq $object.kind "StatefulSet" -}}{{- include "veil.adaptStorage" . -}}{{- end -}}
{{- if eq $object.kind "CronJob" -}}{{- include "veil.adaptCronJob" . -}}{{- end -}}
{{- if eq $object.kind "PersistentVolumeClaim" -}}
{{- $_ := set $object.spec.resources.requests "storage" $values.backup.storage -}}
{{- with $values.backup.storageClass -}}{{- $_ := set $object.spec "storageClassName" . -}}{{- end -}}
{{- end -}}
{{- if eq $object.kind "Service" -}}{{- include "veil.adaptService" . -}}{{- end -}}
{{- if eq $object.kind "ScaledObject" -}}{{- include "veil.adaptScaledObject" . -}}{{- end -}}
{{- if eq $object.kind "HorizontalPodAutoscaler" -}}
{{- $_ := set $object.spec "minReplicas" $values.hpa.minReplicas -}}
{{- $_ := set $object.spec "maxReplicas" $values.hpa.maxReplicas -}}
{{- end -}}
{{- with $values.settings.SUBSCRIPTION_PORT -}}{{- include "veil.addSubscriptions" (dict "object" $object "port" (int .)) -}}{{- end -}}
{{- range $subject := $object.subjects -}}{{- $_ := set $subject "namespace" $root.Release.Namespace -}}{{- end -}}
{{- if eq $object.kind "PodMonitor" -}}
{{- $_ := set $object.metadata "labels" (merge (deepCopy $values.monitoring.labels) $labels) -}}
{{- end -}}
{{- with index $values.overrides (printf "%s/%s" $object.kind $name) -}}
{{- $_ := mergeOverwrite $object (deepCopy .) -}}
{{- end -}}
{{- end -}}

{{/* Replicas, images, settings and what values say of containers. */}}
{{- define "veil.adaptWorkload" -}}
{{- $object := .object -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $name := $object.metadata.name -}}
{{- $template := $object.spec.template -}}
{{- $isScaled := and (eq $name "xray-worker") (or $values.keda.enabled $values.hpa.enabled) -}}
{{- $replicas := dict "api" $values.api.replicas "xray-worker" $values.xrayWorker.replicas "stats-collector" $values.statsCollector.replicas -}}
{{- if $isScaled -}}
{{- $_ := unset $object.spec "replicas" -}}
{{- else if hasKey $replicas $name -}}
{{- $_ := set $object.spec "replicas" (index $replicas $name) -}}
{{- end -}}
{{- $_ := set $template.metadata "labels" (merge (dict "app.kubernetes.io/part-of" "veil") ($template.metadata.labels | default dict)) -}}
{{- if and (eq $name "xray") $values.xray.tls.enabled -}}{{- include "veil.addXrayTls" . -}}{{- end -}}
{{- if and (eq $name "xray-worker") $values.xray.daemonSet.enabled -}}
{{- $_ := set $template.spec "automountServiceAccountToken" true -}}
{{- end -}}
{{- if eq $name "xray-node" -}}{{- include "veil.adaptDaemonSet" . -}}{{- end -}}
{{- include "veil.adaptImages" (dict "pod" $template.spec "root" $root) -}}
{{- if and (ne $object.kind "DaemonSet") (or $values.secrets.generate $values.secrets.webhookKey) -}}{{- include "veil.adaptSecrets" . -}}{{- end -}}
{{- range $container := $template.spec.containers -}}
{{- /* A change of a setting is a rolling update of those who read it. */ -}}
{{- if $container.envFrom -}}
{{- $settings := include "veil.settings" $root | sha256sum -}}
{{- $_ := set $template.metadata "annotations" (merge (dict "checksum/settings" $settings) ($template.metadata.annotations | default dict)) -}}
{{- end -}}
{{- with index $values.containers $container.name -}}
{{- $_ := mergeOverwrite $container (deepCopy .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where the images of a pod come from. */}}
{{- define "veil.adaptImages" -}}
{{- $images := .root.Values.images -}}
{{- $appVersion := .root.Chart.AppVersion -}}
{{- with $images.pullSecrets -}}
{{- $pull := list -}}
{{- range . -}}{{- $pull = append $pull (dict "name" .) -}}{{- end -}}
{{- $_ := set $.pod "imagePullSecrets" $pull -}}
{{- end -}}
{{- range $container := .pod.containers -}}
{{- if hasPrefix "veil/" $container.image -}}
{{- $parts := splitList ":" $container.image -}}
{{- $tag := ternary (index $parts 1) ($images.tag | default $appVersion) (eq $container.name "xray") -}}
{{- $_ := set $container "image" (printf "%s%s:%s" $images.registry (index $parts 0) $tag) -}}
{{- $_ := set $container "imagePullPolicy" $images.pullPolicy -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Backups: when, how many, and where. */}}
{{- define "veil.adaptCronJob" -}}
{{- $object := .object -}}
{{- $backup := .root.Values.backup -}}
{{- $pod := $object.spec.jobTemplate.spec.template.spec -}}
{{- include "veil.adaptImages" (dict "pod" $pod "root" .root) -}}
{{- if eq $object.metadata.name "backup" -}}
{{- $_ := set $object.spec "schedule" $backup.schedule -}}
{{- $_ := set (first $pod.containers) "args" (list "backup" "--to" "/backups/" "--keep" (toString $backup.keep)) -}}
{{- end -}}
{{- range $volume := $pod.volumes -}}
{{- if and $volume.persistentVolumeClaim $backup.existingClaim -}}
{{- $_ := set $volume.persistentVolumeClaim "claimName" $backup.existingClaim -}}
{{- end -}}
{{- end -}}
{{- range $container := $pod.containers -}}
{{- with index $.root.Values.containers $container.name -}}
{{- $_ := mergeOverwrite $container (deepCopy .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the component `generated-secrets` adds to the variables of those for whom it makes files. */}}
{{- define "veil.adaptSecrets" -}}
{{- $object := .object -}}
{{- $container := first $object.spec.template.spec.containers -}}
{{- $component := fromYaml (.root.Files.Get "manifests/components/generated-secrets/kustomization.yaml") -}}
{{- range $patch := $component.patches -}}
{{- if and (eq $patch.target.kind $object.kind) (regexMatch $patch.target.name $object.metadata.name) -}}
{{- range $step := fromYamlArray $patch.patch -}}
{{- $_ := set $container "env" (append $container.env $step.value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the component `xray-tls` adds to the pod of Xray, which starts anew with another config of it. */}}
{{- define "veil.addXrayTls" -}}
{{- $files := .root.Files -}}
{{- $folder := "manifests/components/xray-tls" -}}
{{- $template := .object.spec.template -}}
{{- range $patch := (fromYaml ($files.Get (printf "%s/kustomization.yaml" $folder))).patches -}}
{{- range $step := fromYamlArray $patch.patch -}}
{{- $field := regexFind "containers|volumes" $step.path -}}
{{- $_ := set $template.spec $field (append (index $template.spec $field) $step.value) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $template.metadata "annotations" (merge (dict "checksum/xray-tls" (include "veil.xrayTlsFiles" .root | sha256sum)) ($template.metadata.annotations | default dict)) -}}
{{- end -}}

{{/* On which machines an Xray runs; it starts anew with another config of its front. */}}
{{- define "veil.adaptDaemonSet" -}}
{{- $template := .object.spec.template -}}
{{- $_ := set $template.spec "nodeSelector" .root.Values.xray.daemonSet.nodeSelector -}}
{{- $_ := set $template.metadata "annotations" (dict "checksum/xray-tls" (include "veil.xrayTlsFiles" .root | sha256sum)) -}}
{{- end -}}

{{- define "veil.xrayTlsFiles" -}}
{{- range $file := list "nginx.conf" "upstream.conf" -}}{{- $.Files.Get (printf "manifests/components/xray-tls/%s" $file) -}}{{- end -}}
{{- end -}}

{{/* What an engine keeps, and as whom. */}}
{{- define "veil.adaptStorage" -}}
{{- $object := .object -}}
{{- $engine := index .root.Values $object.metadata.name -}}
{{- $spec := $object.spec.template.spec -}}
{{- if $engine.storage -}}
{{- range $claim := $object.spec.volumeClaimTemplates -}}
{{- $_ := set $claim.spec.resources.requests "storage" $engine.storage -}}
{{- with $engine.storageClass -}}{{- $_ := set $claim.spec "storageClassName" . -}}{{- end -}}
{{- end -}}
{{- else -}}
{{- $_ := unset $object.spec "volumeClaimTemplates" -}}
{{- $_ := set $spec "volumes" (append $spec.volumes (dict "name" "data" "emptyDir" dict)) -}}
{{- end -}}
{{- if hasKey $engine "runAsUser" -}}
{{- range $field := list "runAsUser" "runAsGroup" "fsGroup" -}}
{{- $_ := set $spec.securityContext $field $engine.runAsUser -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "veil.adaptService" -}}
{{- $object := .object -}}
{{- $services := dict "api" .root.Values.api.service "xray" .root.Values.xray.service "xray-tls" .root.Values.xray.tls.service -}}
{{- with index $services $object.metadata.name -}}
{{- $_ := set $object.spec "type" .type -}}
{{- with .annotations -}}{{- $_ := set $object.metadata "annotations" . -}}{{- end -}}
{{- with .nodePort -}}{{- $_ := set (first $object.spec.ports) "nodePort" . -}}{{- end -}}
{{- if hasKey . "externalTrafficPolicy" -}}
{{- if eq .type "ClusterIP" -}}
{{- $_ := unset $object.spec "externalTrafficPolicy" -}}
{{- else -}}
{{- $_ := set $object.spec "externalTrafficPolicy" .externalTrafficPolicy -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "veil.adaptScaledObject" -}}
{{- $object := .object -}}
{{- $root := .root -}}
{{- $keda := $root.Values.keda -}}
{{- $prefix := index (include "veil.settings" $root | fromYaml) "QUEUE_PREFIX" -}}
{{- $_ := set $object.spec "minReplicaCount" $keda.minReplicas -}}
{{- $_ := set $object.spec "maxReplicaCount" $keda.maxReplicas -}}
{{- range $trigger := $object.spec.triggers -}}
{{- $address := $keda.redisAddress | default (printf "redis.%s.svc.cluster.local:6379" $root.Release.Namespace) -}}
{{- $_ := set $trigger.metadata "address" $address -}}
{{- with $trigger.metadata.listName -}}
{{- $_ := set $trigger.metadata "listName" (regexReplaceAll "^[^:]+" . $prefix) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A port of the API that has subscriptions and nothing else, for a proxy that leads nowhere else. */}}
{{- define "veil.addSubscriptions" -}}
{{- $object := .object -}}
{{- if eq $object.metadata.name "api" -}}
{{- if eq $object.kind "Deployment" -}}
{{- $container := first $object.spec.template.spec.containers -}}
{{- $_ := set $container "ports" (append $container.ports (dict "name" "subscriptions" "containerPort" .port)) -}}
{{- else if eq $object.kind "Service" -}}
{{- $_ := set $object.spec "ports" (append $object.spec.ports (dict "name" "subscriptions" "port" .port "targetPort" "subscriptions")) -}}
{{- else if eq $object.kind "NetworkPolicy" -}}
{{- $rule := first $object.spec.ingress -}}
{{- $_ := set $rule "ports" (append $rule.ports (dict "port" "subscriptions")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
