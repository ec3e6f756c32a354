{{/* What every container of the pod may do. */}}
{{- define "valkey.container" -}}
{allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 999, runAsGroup: 1000, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end }}
