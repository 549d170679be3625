{{- /* Names that other parts know: the broker's policy (clients), Terraform (secrets, service account), docs. */ -}}

{{- define "maestro-server.name" -}}
{{- $alias := required "maestroServer.alias: say the regional cluster's alias, as its regional.yaml has it" .Values.maestroServer.alias -}}
{{- /* A pod's label has the set's name and a hash of ten, and 63 characters at most. */ -}}
{{- if gt (len $alias) 37 -}}
{{- fail "maestroServer.alias: a stateful set's pods need names of at most 52 characters: the alias may have 37" -}}
{{- end -}}
{{- printf "%s-maestro-server" $alias -}}
{{- end -}}

{{- define "maestro-server.selector" -}}
app.kubernetes.io/name: maestro-server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "maestro-server.labels" -}}
{{ include "maestro-server.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "maestro-server.image" -}}
{{- $image := .Values.maestroServer.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (required "maestroServer.image.digest: say which Maestro runs, by its digest (or a tag)" $image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The source's name, when it fits the topics: Maestro takes it from the second level. */ -}}
{{- define "maestro-server.source" -}}
{{- $broker := .Values.maestroServer.broker -}}
{{- if $broker.allowOlderTopics -}}
{{- if ne $broker.topicPrefix "maestro/consumers" -}}
{{- fail "maestroServer.broker.topicPrefix: with allowOlderTopics it is maestro/consumers" -}}
{{- end -}}
{{- else -}}
{{- $levels := splitList "/" $broker.topicPrefix -}}
{{- if ne (len $levels) 3 -}}
{{- fail "maestroServer.broker.topicPrefix: three levels such as sources/maestro/consumers" -}}
{{- end -}}
{{- if ne (index $levels 1) $broker.sourceId -}}
{{- fail "maestroServer.broker.sourceId: Maestro wants the topics' second level; the prefix has another one" -}}
{{- end -}}
{{- end -}}
{{- $broker.sourceId -}}
{{- end -}}

{{- /* Each secret, its fields, and the files that they become. Both ways of mounting are made of this. */ -}}
{{- define "maestro-server.files" -}}
- secret: {{ .Values.maestroServer.alias }}-maestro-server-cert
  files:
    - { field: certificate, file: certificate }
    - { field: privateKey, file: privateKey }
    - { field: caCert, file: ca.crt }
- secret: {{ .Values.maestroServer.alias }}-maestro-server-config
  files:
    - { field: config, file: config.yaml }
- secret: {{ .Values.maestroServer.alias }}-maestro-db-credentials
  files:
    - { field: username, file: db.user }
    - { field: password, file: db.password }
    - { field: host, file: db.host }
    - { field: port, file: db.port }
    - { field: database, file: db.name }
{{- end -}}

{{- define "maestro-server.database" -}}
- --db-host-file=/mnt/secrets-store/db.host
- --db-port-file=/mnt/secrets-store/db.port
- --db-name-file=/mnt/secrets-store/db.name
- --db-user-file=/mnt/secrets-store/db.user
- --db-password-file=/mnt/secrets-store/db.password
- --db-sslmode={{ .Values.maestroServer.database.sslMode }}
{{- if .Values.maestroServer.database.rootCertConfigMap }}
- --db-rootcert=/etc/maestro/database/ca.pem
{{- else }}
- --db-rootcert=
{{- end }}
{{- end -}}

{{- define "maestro-server.mounts" -}}
- { name: secrets, mountPath: /mnt/secrets-store, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- if .Values.maestroServer.database.rootCertConfigMap }}
- { name: database-ca, mountPath: /etc/maestro/database, readOnly: true }
{{- end }}
{{- end -}}

{{- define "maestro-server.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
