{{/* Labels of one part: (list root component). */}}
{{- define "seaweedfs.labels" -}}
app.kubernetes.io/name: seaweedfs
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Pod template of one part: (list root component part arguments ports configSecret environment mount). */}}
{{- define "seaweedfs.pod" -}}
{{- $root := index . 0 }}{{- $component := index . 1 }}{{- $part := index . 2 }}{{- $secret := index . 5 }}
metadata:
  labels:
    {{- include "seaweedfs.labels" (list $root $component) | nindent 4 }}
    {{- with $part.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations: {{ toJson $part.podAnnotations }}
spec:
  {{- with $part.affinity }}
  affinity: {{ . | nindent 4 }}
  {{- end }}
  {{- with $part.tolerations }}
  tolerations: {{ . | nindent 4 }}
  {{- end }}
  {{- with $part.nodeSelector }}
  nodeSelector: {{ . | nindent 4 }}
  {{- end }}
  {{- if $part.podSecurityContext.enabled }}
  securityContext: {{ omit $part.podSecurityContext "enabled" | toJson }}
  {{- end }}
  containers:
    - name: seaweedfs
      image: {{ printf "%s:%s" $root.Values.global.seaweedfs.image.name ($root.Values.image.tag | default $root.Chart.AppVersion) | quote }}
      args: {{ concat (index . 3) $part.extraArgs | toJson }}
      env:
        {{- range $key, $value := (index . 6).plain }}
        - {name: {{ $key }}, value: {{ $value | quote }}}
        {{- end }}
        {{- range $key, $value := (index . 6).secret }}
        - {name: {{ $key }}, valueFrom: {{ toJson $value }}}
        {{- end }}
      ports:
        {{- range $name, $port := index . 4 }}
        - {name: {{ $name }}, containerPort: {{ $port }}, protocol: TCP}
        {{- end }}
      resources: {{ toJson $part.resources }}
      {{- if $part.containerSecurityContext.enabled }}
      securityContext: {{ omit $part.containerSecurityContext "enabled" | toJson }}
      {{- end }}
      volumeMounts:
        - {name: {{ index . 7 }}, mountPath: /data}
        {{- if $secret }}
        - {name: config-users, mountPath: /etc/sw, readOnly: true}
        {{- end }}
  volumes:
    - {name: logs, emptyDir: {}}
    {{- if $secret }}
    - {name: config-users, secret: {secretName: {{ $secret }}}}
    {{- end }}
{{- end }}
