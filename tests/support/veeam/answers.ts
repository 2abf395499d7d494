/** What a Veeam server answers, in the words of each revision. */
import {
  cased,
  fakeId,
  type FakeJob,
  type FakePoint,
  type FakeRepository,
  type FakeSession,
  instant,
  KIND,
  type Revision,
  since,
} from "./model.ts";

const NO_PLATFORM = "00000000-0000-0000-0000-000000000000";

const progress = (revision: Revision) => ({
  duration: "00:04:10",
  processingRate: "53.7 MB",
  bottleneck: "Source",
  processedSize: 5_368_709_120,
  readSize: 1_073_741_824,
  transferredSize: 536_870_912,
  ...(since(revision, "1.3-rev0") ? { progressPercent: 100 } : {}),
});

export function jobState(job: FakeJob, repository: FakeRepository, revision: Revision) {
  const status = job.disabled ? "Disabled" : job.running ? "Running" : "Inactive";
  return {
    id: fakeId(KIND.job, job.n),
    name: job.name,
    type: job.type === "VSphereBackup" && !since(revision, "1.3-rev0") ? "Backup" : job.type,
    description: `Made by ${job.name}`,
    status: cased(revision, status),
    ...(job.lastRun === null ? {} : { lastRun: instant(job.lastRun) }),
    lastResult: job.result,
    workload: cased(revision, job.type.includes("Agent") ? "Server" : "Vm"),
    repositoryId: fakeId(KIND.repository, job.repository),
    repositoryName: repository.name,
    objectsCount: 3,
    ...(job.session === null ? {} : { sessionId: fakeId(KIND.session, job.session) }),
    ...(since(revision, "1.3-rev0")
      ? { highPriority: false, progressPercent: job.running ? 42 : 0, nextRunPolicy: "Not scheduled" }
      : {}),
  };
}

/** What a revision calls a kind of session. */
function sessionType(type: string, revision: Revision): string {
  if (type === "BackupJob") return revision === "1.1-rev0" ? "Job" : type;
  if (since(revision, "1.3-rev1")) return type;
  if (type === "AgentBackup" && since(revision, "1.3-rev0")) return type;
  return type === "AgentBackup" || type === "BackupCopyJob" ? "Automation" : type;
}

export function sessionModel(session: FakeSession, revision: Revision) {
  return {
    id: fakeId(KIND.session, session.n),
    name: session.name,
    [revision === "1.1-rev0" ? "activityId" : "jobId"]: fakeId(KIND.job, session.job),
    sessionType: sessionType(session.type, revision),
    creationTime: instant(session.created),
    ...(session.ended === null ? {} : { endTime: instant(session.ended) }),
    state: session.ended === null ? "Working" : "Stopped",
    progressPercent: session.ended === null ? 42 : 100,
    result: { result: session.result, message: session.message, isCanceled: false },
    usn: session.n,
    ...(since(revision, "1.2-rev1") ? { platformName: "VMware", platformId: NO_PLATFORM } : {}),
    ...(since(revision, "1.3-rev0") ? { initiatedBy: "VBR\\service" } : {}),
    ...(since(revision, "1.3-rev2") ? { algorithm: "Increment", progress: progress(revision) } : {}),
  };
}

export function taskModel(session: FakeSession, machine: string, revision: Revision) {
  return {
    id: fakeId(KIND.task, session.n),
    name: machine,
    type: "Backup",
    sessionId: fakeId(KIND.session, session.n),
    sessionType: sessionType(session.type, revision),
    creationTime: instant(session.created, "bare"),
    ...(session.ended === null ? {} : { endTime: instant(session.ended, "bare") }),
    algorithm: "Increment",
    state: session.ended === null ? "Working" : "Stopped",
    result: { result: session.result, message: session.message },
    progress: progress(revision),
    usn: session.n,
  };
}

export function logRecords(session: FakeSession, lines: readonly string[]) {
  const word = (line: string) => /fail/i.test(line) ? "Failed" : "Succeeded";
  return lines.map((title, i) => ({
    id: i + 1,
    status: word(title),
    startTime: instant(session.created + i * 1000),
    updateTime: instant(session.created + i * 1000),
    title,
    description: "",
  })).toReversed();
}

export function repositoryState(repository: FakeRepository, revision: Revision) {
  return {
    id: fakeId(KIND.repository, repository.n),
    name: repository.name,
    type: repository.type,
    description: "",
    hostId: fakeId(KIND.host, 1),
    hostName: "store-1.example.org",
    path: "/srv/backups",
    capacityGB: repository.capacity,
    freeGB: repository.free,
    usedSpaceGB: repository.used,
    ...(since(revision, "1.2-rev1") ? { isOnline: true } : {}),
    ...(since(revision, "1.3-rev0") ? { isOutOfDate: false } : {}),
    ...(since(revision, "1.3-rev0") && repository.scaleOut !== null
      ? {
        scaleOutRepositoryDetails: {
          membership: "Normal",
          scaleOutRepositoryId: fakeId(KIND.scaleOut, repository.scaleOut),
          extentType: "Performance",
        },
      }
      : {}),
  };
}

export function scaleOut(n: number, extents: readonly FakeRepository[]) {
  return {
    id: fakeId(KIND.scaleOut, n),
    name: `Scale-out ${n}`,
    description: "",
    performanceTier: {
      performanceExtents: extents.map(({ n: id, name }) => ({ id: fakeId(KIND.repository, id), name })),
    },
  };
}

export function backupModel(job: FakeJob, repository: FakeRepository, created: number, revision: Revision) {
  return {
    id: fakeId(KIND.backup, job.n),
    jobId: fakeId(KIND.job, job.n),
    name: job.name,
    platformName: "VMware",
    platformId: NO_PLATFORM,
    creationTime: instant(created, "bare"),
    repositoryId: fakeId(KIND.repository, repository.n),
    ...(revision === "1.1-rev0" ? { type: "Backup" } : {}),
    ...(since(revision, "1.3-rev0") ? { jobType: job.type, repositoryName: repository.name } : {}),
  };
}

export function restorePoint(point: FakePoint, revision: Revision) {
  return {
    id: fakeId(KIND.point, point.n),
    name: point.machine,
    [revision === "1.1-rev0" ? "paltformName" : "platformName"]: "VMware",
    platformId: NO_PLATFORM,
    creationTime: instant(point.created, "zulu"),
    backupId: fakeId(KIND.backup, point.job),
    allowedOperations: [],
    ...(since(revision, "1.2-rev1")
      ? {
        type: point.type,
        malwareStatus: "Clean",
        backupFileId: fakeId(KIND.file, point.n),
        sessionId: fakeId(KIND.session, 1),
      }
      : {}),
    ...(since(revision, "1.3-rev0") ? { originalSize: 42_949_672_960 } : {}),
  };
}

export function backupFile(point: FakePoint, revision: Revision) {
  const object = fakeId(KIND.object, 1);
  return {
    id: fakeId(KIND.file, point.n),
    name: `/srv/backups/${point.machine}/${point.machine}-${point.n}.${
      point.type === "Full" ? "vbk" : "vib"
    }`,
    backupId: fakeId(KIND.backup, point.job),
    ...(since(revision, "1.3-rev2") ? { objectIds: [object] } : { objectId: object }),
    ...(since(revision, "1.3-rev1")
      ? { restorePointIds: [fakeId(KIND.point, point.n)] }
      : { restorePointId: fakeId(KIND.point, point.n) }),
    dataSize: 1_073_741_824,
    backupSize: 536_870_912,
    dedupRatio: 50,
    compressRatio: 50,
    creationTime: instant(point.created, "bare"),
  };
}

export function backupObject(n: number, machine: string, points: number, revision: Revision) {
  return {
    id: fakeId(KIND.object, n),
    name: machine,
    type: "VM",
    platformName: "VMware",
    platformId: NO_PLATFORM,
    restorePointsCount: points,
    objectId: `vm-${n}`,
    viType: "VirtualMachine",
    path: `vc-1.example.org\\dc\\${machine}`,
    ...(since(revision, "1.3-rev0") ? { lastRunFailed: false } : {}),
    ...(since(revision, "1.3-rev2") ? { backupId: fakeId(KIND.backup, 1), size: 42_949_672_960 } : {}),
  };
}

export function proxy(n: number, revision: Revision, state: boolean) {
  const common = {
    id: fakeId(KIND.proxy, n),
    name: `proxy-${n}`,
    description: "",
    type: "ViProxy",
  };
  return state
    ? {
      ...common,
      hostId: fakeId(KIND.host, n),
      hostName: `proxy-${n}.example.org`,
      isDisabled: false,
      isOnline: n !== 2,
      isOutOfDate: false,
    }
    : {
      ...common,
      server: {
        hostId: fakeId(KIND.host, n),
        transportMode: cased(revision, "Auto"),
        failoverToNetwork: true,
        hostToProxyEncryption: false,
        maxTaskCount: 4,
      },
    };
}

export function managedServer(n: number, revision: Revision) {
  return {
    id: fakeId(KIND.host, n),
    name: `host-${n}.example.org`,
    description: "",
    type: "LinuxHost",
    ...(since(revision, "1.2-rev1") ? { status: "Available" } : {}),
    credentialsId: fakeId(KIND.host, 99),
    credentialsStorageType: "Permanent",
    sshFingerprint: "SHA256:x",
  };
}

export function license(expires: number, revision: Revision) {
  const dates = { expirationDate: instant(expires), supportExpirationDate: instant(expires) };
  const inside = since(revision, "1.3-rev2");
  return {
    status: "Valid",
    type: "Subscription",
    edition: "EnterprisePlus",
    licensedTo: "Example",
    supportId: "01234567",
    autoUpdateEnabled: true,
    freeAgentInstanceConsumptionEnabled: true,
    cloudConnect: "Disabled",
    ...(since(revision, "1.3-rev0") ? { IsMultiSection: false, proactiveSupportEnabled: false } : {}),
    ...(inside ? {} : dates),
    instanceLicenseSummary: {
      licensedInstancesNumber: 100,
      usedInstancesNumber: 61,
      newInstancesNumber: 0,
      rentalInstancesNumber: 0,
      ...(inside ? { package: "Suite", ...dates } : {}),
    },
  };
}

export function malwareEvent(n: number, detected: number, machine: string, revision: Revision) {
  return {
    id: fakeId(KIND.event, n),
    type: "EncryptedData",
    ...(since(revision, "1.3-rev0") ? { creationTimeUtc: instant(detected, "zulu") } : {}),
    detectionTimeUtc: instant(detected, "bare").replace(
      /.*/,
      new Date(detected).toISOString().replace("Z", ""),
    ),
    machine: { displayName: machine, uuid: fakeId(KIND.object, n), backupObjectId: fakeId(KIND.object, n) },
    state: "Created",
    details: "Many files were changed at once",
    source: "InternalVeeamDetector",
    severity: "Suspicious",
    createdBy: "VBR\\service",
    engine: "Inline scan",
  };
}

export function bestPractice(n: number, status: string) {
  return {
    id: fakeId(KIND.practice, n),
    bestPractice: `Practice ${n}`,
    status,
    note: "",
  };
}

export function configBackup(lastSuccess: number | null) {
  return {
    isEnabled: true,
    backupRepositoryId: fakeId(KIND.repository, 1),
    restorePointsToKeep: 10,
    notifications: { SNMPEnabled: false },
    schedule: { isEnabled: true },
    lastSuccessfulBackup: lastSuccess === null
      ? {}
      : { lastSuccessfulTime: instant(lastSuccess), sessionId: fakeId(KIND.session, 1) },
    encryption: { isEnabled: false, passwordId: "00000000-0000-0000-0000-000000000000" },
  };
}

export function serverInfo(build: string, revision: Revision) {
  return {
    [revision === "1.1-rev0" ? "vbrInstallationId" : "vbrId"]: fakeId(KIND.host, 100),
    name: "vbr-1.example.org",
    buildVersion: build,
    patches: [],
    ...(since(revision, "1.2-rev1")
      ? {
        databaseVendor: "PostgreSQL",
        sqlServerEdition: "",
        sqlServerVersion: "",
        databaseSchemaVersion: "1",
        databaseContentVersion: "1",
      }
      : {}),
    ...(since(revision, "1.3-rev0") ? { veeamRegistration: { isRegistered: false }, platform: "Linux" } : {}),
  };
}
