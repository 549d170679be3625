{{- /* Names that other parts know: the broker's policy (client), Terraform (secrets, service account), docs. */ -}}

{{- define "maestro-agent.consumer" -}}
{{- $consumer := required "maestroAgent.consumerName: say the management cluster's cluster_id" .Values.maestroAgent.consumerName -}}
{{- /* It is a level of topics: a wildcard or a slash in it would reach others. */ -}}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$" $consumer) -}}
{{- fail "maestroAgent.consumerName: a cluster_id has 1 to 40 characters of a-z, 0-9 and hyphen" -}}
{{- end -}}
{{- $consumer -}}
{{- end -}}

{{- define "maestro-agent.selector" -}}
app.kubernetes.io/name: maestro-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "maestro-agent.labels" -}}
{{ include "maestro-agent.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "maestro-agent.image" -}}
{{- $image := .Values.maestroAgent.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (required "maestroAgent.image.digest: say which Maestro runs, by its digest (or a tag)" $image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* Each secret, its fields, and the files that they become. Both ways of mounting are made of this. */ -}}
{{- define "maestro-agent.files" -}}
- secret: {{ include "maestro-agent.consumer" . }}-maestro-agent-cert
  files:
    - { field: certificate, file: certificate }
    - { field: privateKey, file: privateKey }
    - { field: caCert, file: ca.crt }
- secret: {{ include "maestro-agent.consumer" . }}-maestro-agent-config
  files:
    - { field: config, file: config.yaml }
{{- end -}}
