{{- /* Made by .ci/helm.mjs from deploy/kubernetes/sidecar/pod.yaml; change that one. */ -}}
{{- define "portcullis.labels" -}}
portcullis: in-front
{{- end }}
{{- define "portcullis.pod" -}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 45
securityContext:
  runAsNonRoot: true
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}
{{- define "portcullis.initContainers" -}}
- name: portcullis
  image: {{ .Values.portcullis.image | quote }}
  restartPolicy: Always
  args:
    - run
    - --config
    - /etc/portcullis/portcullis.yaml
  ports:
    - name: mtls
      containerPort: 8443
  startupProbe:
    exec:
      command:
        - /usr/local/bin/node
        - /portcullis/proxy/main.js
        - probe
        - ready
    periodSeconds: 1
    timeoutSeconds: 3
    failureThreshold: 60
  readinessProbe:
    exec:
      command:
        - /usr/local/bin/node
        - /portcullis/proxy/main.js
        - probe
        - ready
    periodSeconds: 10
    timeoutSeconds: 3
  livenessProbe:
    exec:
      command:
        - /usr/local/bin/node
        - /portcullis/proxy/main.js
        - probe
        - live
    periodSeconds: 30
    timeoutSeconds: 5
  resources:
    requests:
      cpu: 50m
      memory: 192Mi
    limits:
      memory: 512Mi
  securityContext:
    runAsUser: 65532
    runAsGroup: 65532
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    capabilities:
      drop:
        - ALL
  volumeMounts:
    - name: portcullis-config
      mountPath: /etc/portcullis
      readOnly: true
    - name: svid
      mountPath: /run/svid
      readOnly: true
    - name: portcullis
      mountPath: /var/lib/portcullis
    - name: portcullis-tmp
      mountPath: /tmp
{{- end }}
{{- define "portcullis.volumes" -}}
- name: portcullis-config
  configMap:
    name: {{ .Values.portcullis.configMap | quote }}
- name: portcullis
  emptyDir:
    sizeLimit: 1Gi
- name: portcullis-tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
- name: svid
{{- toYaml (required "portcullis.svid says where the SVID comes from" .Values.portcullis.svid) | nindent 2 }}
{{- end }}
