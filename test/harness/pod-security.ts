export type SecurityContext = {
  readonly runAsUser?: number;
  readonly runAsNonRoot?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly privileged?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccompProfile?: { readonly type: string };
};
export type Container = {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly startupProbe?: { readonly exec: { readonly command: readonly string[] } };
  readonly securityContext?: SecurityContext;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
};
export type PodSpec = {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: SecurityContext;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[];
};

const volumeKinds = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/**
 * What the profile "restricted" of the Pod Security Standards would refuse of a pod, in words, as far as the fields above go;
 * and a root file system that can be written, which that profile allows and we do not.
 */
export function podSecurityProblems(pod: PodSpec): readonly string[] {
  const { securityContext = {}, volumes = [] } = pod;
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => pod[name] === true);
  const mounted = volumes
    .filter((volume) => !Object.keys(volume).some((key) => volumeKinds.includes(key)))
    .map(({ name }) => `volume ${name}`);
  const containers = [...pod.initContainers, ...pod.containers].flatMap((container) =>
    containerProblems(container, securityContext).map((problem) => `${container.name}: ${problem}`),
  );
  return [...shared, ...mounted, ...containers];
}

function containerProblems({ securityContext: own = {}, ports = [] }: Container, ofPod: SecurityContext): string[] {
  const context = { ...ofPod, ...own };
  const rules: readonly (readonly [string, boolean])[] = [
    ['may be root', context.runAsNonRoot === true && context.runAsUser !== undefined && context.runAsUser > 0],
    ['may gain privileges', context.allowPrivilegeEscalation === false && context.privileged !== true],
    [
      'keeps capabilities',
      context.capabilities?.drop?.includes('ALL') === true && context.capabilities.add === undefined,
    ],
    ['has every system call', ['RuntimeDefault', 'Localhost'].includes(context.seccompProfile?.type ?? '')],
    ['has a port of the host', ports.every(({ hostPort }) => hostPort === undefined)],
    ['writes to its root', context.readOnlyRootFilesystem === true],
  ];
  return rules.filter(([, holds]) => !holds).map(([problem]) => problem);
}
