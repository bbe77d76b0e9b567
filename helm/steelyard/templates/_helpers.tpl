{{- define "steelyard.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "steelyard.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "steelyard.labels" -}}
{{ include "steelyard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "steelyard.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "steelyard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "steelyard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A Pod that asks the server something: the CronJobs and the test. Takes .root, .token, .args, .deadline. */}}
{{- define "steelyard.client" -}}
restartPolicy: Never
automountServiceAccountToken: false
# Variables of Services begin with the same letters as settings do, and a name that is no setting is refused.
enableServiceLinks: false
securityContext:
  {{- include "steelyard.podSecurity" .root | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
containers:
  - name: steelyard
    image: {{ include "steelyard.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{ toJson .args }}
    env:
      - name: STEELYARD_SERVER
        value: https://{{ include "steelyard.name" .root }}:{{ .root.Values.service.ports.grpc }}
      - name: STEELYARD_SERVER_CA
        value: /run/steelyard/server/ca.crt
      {{- if .token }}
      - name: STEELYARD_TOKEN_FILE
        value: /run/steelyard/token/token
      {{- end }}
    securityContext:
      {{- include "steelyard.containerSecurity" .root | nindent 6 }}
    resources:
      requests: { cpu: 50m, memory: 64Mi }
      limits: { memory: 256Mi }
    volumeMounts:
      - { name: server, mountPath: /run/steelyard/server, readOnly: true }
      {{- if .token }}
      - { name: token, mountPath: /run/steelyard/token, readOnly: true }
      {{- end }}
      - { name: tmp, mountPath: /tmp }
volumes:
  - name: server
    secret:
      secretName: {{ .root.Values.tls.secretName }}
      items:
        - { key: ca.crt, path: ca.crt }
  {{- if .token }}
  - name: token
    secret:
      secretName: {{ .token }}
      defaultMode: 0440
  {{- end }}
  - name: tmp
    emptyDir: {}
{{- end }}
