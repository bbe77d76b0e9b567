{{/* At most 44 characters: a CronJob's name may have 52, and -rescore is eight of them. The chart's name is always in it: alerts go by
that. */}}
{{- define "steelyard.name" -}}
{{- if and (contains .Chart.Name .Release.Name) (le (len .Release.Name) 44) }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" (.Release.Name | trunc 34 | trimSuffix "-") .Chart.Name }}{{ end }}
{{- end }}

{{- define "steelyard.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Pods that ask the server something: another name, so that no Service leads to them. */}}
{{- define "steelyard.jobSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-job
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

{{- define "steelyard.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "steelyard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
# A volume that is right already is left alone: going over it would open key files to the group.
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

{{/* What contradicts itself is refused before anything reaches the cluster. */}}
{{- define "steelyard.check" -}}
{{- with .Values.tls.certManager }}
{{- if and .enabled (not .issuerRef.name) }}
{{- fail "tls.certManager.enabled: name the issuer in tls.certManager.issuerRef.name" }}
{{- end }}
{{- end }}
{{- with .Values.access }}
{{- if and .jwksUrl .jwksConfigMap }}
{{- fail "access.jwksUrl and access.jwksConfigMap are both set: give one of the two" }}
{{- end }}
{{- if and .jwksUrl (not .caConfigMap) }}
{{- fail "access.jwksUrl: the image trusts no authority of its own; name in access.caConfigMap a ConfigMap whose ca.crt vouches for that address" }}
{{- end }}
{{- if and .issuer (not .jwksUrl) (not .jwksConfigMap) }}
{{- fail "access.issuer: give the issuer's keys too, in access.jwksUrl or access.jwksConfigMap" }}
{{- end }}
{{- if and (or .jwksUrl .jwksConfigMap) (not .issuer) }}
{{- fail "access.jwksUrl and access.jwksConfigMap: name in access.issuer whose tokens they are for, exactly as `iss` has it" }}
{{- end }}
{{- if and .certificatesSecretName .certificatesConfigMap }}
{{- fail "access.certificatesSecretName and access.certificatesConfigMap are both set: give one of the two" }}
{{- end }}
{{- if and (or .certificatesSecretName .certificatesConfigMap) (not $.Values.tls.clientCaSecretName) }}
{{- fail "access.certificates…: nobody is asked for a certificate; name their authority in tls.clientCaSecretName" }}
{{- end }}
{{- end }}
{{- with .Values.service.ports }}
{{- if or (eq .grpc .http) (eq .grpc .health) (eq .http .health) }}
{{- fail "service.ports: gRPC, HTTP and health are on three ports" }}
{{- end }}
{{- end }}
{{- range $job := list "rescore" "backup" "evaluation" }}
{{- if and (index $.Values $job).certificateSecretName (not $.Values.tls.clientCaSecretName) }}
{{- fail (printf "%s.certificateSecretName: nobody is asked for a certificate; name their authority in tls.clientCaSecretName" $job) }}
{{- end }}
{{- end }}
{{- with .Values.signin }}
{{- if and .issuer (not $.Values.access.issuer) }}
{{- fail "signin.issuer: whoever signs in is believed by a token; give access.issuer and its keys too" }}
{{- end }}
{{- if and .issuer (not $.Values.access.caConfigMap) }}
{{- fail "signin.issuer: the image trusts no authority of its own; name in access.caConfigMap a ConfigMap whose ca.crt vouches for that address" }}
{{- end }}
{{- end }}
{{- end }}

{{/* A claim that stays when the chart goes. Takes .root, .name and .volume. */}}
{{- define "steelyard.claim" -}}
- metadata:
    name: {{ .name }}
    {{- with .volume.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes: [{{ .root.Values.persistence.accessMode }}]
    {{- with .volume.storageClassName }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .volume.size }}
{{- end }}

{{/* Where the authority of the server's certificate lies, for those who ask it. */}}
{{- define "steelyard.serverCa" -}}
{{- if .Values.tls.caConfigMap -}}
configMap:
  name: {{ .Values.tls.caConfigMap }}
  items:
    - { key: ca.crt, path: ca.crt }
{{- else -}}
secret:
  secretName: {{ .Values.tls.secretName }}
  items:
    - { key: ca.crt, path: ca.crt }
{{- end }}
{{- end }}

{{/* A container that asks the server something. Takes .root, .name, .as and .args; .as is a job of the values, or empty. */}}
{{- define "steelyard.asking" -}}
- name: {{ .name }}
  image: {{ include "steelyard.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: {{ toJson .args }}
  env:
    - name: STEELYARD_SERVER
      value: https://{{ include "steelyard.name" .root }}.{{ .root.Release.Namespace }}.svc:{{ .root.Values.service.ports.grpc }}
    - name: STEELYARD_SERVER_CA
      value: /run/steelyard/server/ca.crt
    {{- if .as.certificateSecretName }}
    - name: STEELYARD_CLIENT_CERTIFICATE
      value: /run/steelyard/self/tls.crt
    - name: STEELYARD_CLIENT_KEY
      value: /run/steelyard/self/tls.key
    {{- else if .as }}
    - name: STEELYARD_TOKEN_FILE
      value: /run/steelyard/self/token
    {{- end }}
  securityContext:
    {{- include "steelyard.containerSecurity" .root | nindent 4 }}
  resources:
    {{- toYaml .root.Values.jobResources | nindent 4 }}
  volumeMounts:
    - { name: server, mountPath: /run/steelyard/server, readOnly: true }
    {{- if .as }}
    - { name: self, mountPath: /run/steelyard/self, readOnly: true }
    {{- end }}
    - { name: tmp, mountPath: /tmp }
{{- end }}

{{/* A Pod of such containers, each once the one before it ended well. Takes .root, .account, .as and .steps: lists of arguments. */}}
{{- define "steelyard.askingPod" -}}
restartPolicy: Never
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
# Variables of Services begin with the same letters as settings do, and a name that is no setting is refused.
enableServiceLinks: false
securityContext:
  {{- include "steelyard.podSecurity" .root | nindent 2 }}
{{- include "steelyard.pullSecrets" .root }}
{{- with initial .steps }}
initContainers:
  {{- range . }}
  {{- include "steelyard.asking" (dict "root" $.root "name" (first .) "as" $.as "args" .) | nindent 2 }}
  {{- end }}
{{- end }}
containers:
  {{- $args := last .steps }}
  {{- include "steelyard.asking" (dict "root" .root "name" (first $args) "as" .as "args" $args) | nindent 2 }}
volumes:
  - name: server
    {{- include "steelyard.serverCa" .root | nindent 4 }}
  {{- with .as }}
  - name: self
    secret:
      secretName: {{ .certificateSecretName | default .tokenSecretName }}
      defaultMode: 0440
      items:
        {{- range ternary (list "tls.crt" "tls.key") (list "token") (ne .certificateSecretName "") }}
        - { key: {{ . }}, path: {{ . }} }
        {{- end }}
  {{- end }}
  - name: tmp
    emptyDir: {}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
