/** Answers of Veeam ONE as tables show them. */
const alarms = [
  {
    alarm_id: 4711,
    status: "Error",
    triggered_at: "2030-01-14T03:04:05.000Z",
    object_name: "Main repository",
    name: "Backup repository free space is low",
  },
  {
    alarm_id: 104_712,
    status: "Warning",
    triggered_at: "2030-01-14T05:00:00.000Z",
    object_name: "vbr-2.example.org",
    name: "Backup server connection failure",
  },
];

const jobs = [
  {
    name: "Daily VMs of the whole house",
    backup_server: "vbr-1.example.org",
    kind: "vm-backup",
    status: "Warning",
    last_run_at: "2030-01-14T01:00:00.000Z",
    last_run_seconds: 754,
    transferred_bytes: 48_318_382_080,
  },
  {
    name: "Weekly to tape",
    backup_server: "vbr-1.example.org",
    kind: "backup-to-tape",
    status: "None",
    last_run_at: null,
    last_run_seconds: null,
    transferred_bytes: null,
  },
];

export const VEEAM_ONE_ANSWERS: Record<string, unknown> = {
  "veeam-one.alarms.list": alarms,
  "veeam-one.alarms.resolve": alarms,
  "veeam-one.servers.list": [
    {
      name: "vbr-1.example.org",
      version: "13.0.1.1071",
      connection_state: "Connected",
      config_backup_enabled: true,
      connection_error: null,
    },
    {
      name: "vbr-2.example.org",
      version: "12.3.1.1139",
      connection_state: "Disconnected",
      config_backup_enabled: false,
      connection_error: "The RPC server is unavailable",
    },
  ],
  "veeam-one.repos.list": [
    {
      name: "Main repository",
      backup_server: "vbr-1.example.org",
      type: "LinuxHardened",
      capacity_bytes: 10_995_116_277_760,
      free_bytes: 1_099_511_627_776,
      fill_percent: 90,
      days_to_full: 12,
    },
    {
      name: "Archive bucket",
      backup_server: "vbr-2.example.org",
      type: "AmazonS3Compatible",
      capacity_bytes: 0,
      free_bytes: 0,
      fill_percent: null,
      days_to_full: null,
    },
  ],
  "veeam-one.jobs.list": { jobs, hidden: [] },
  "veeam-one.tapes.list": {
    jobs: jobs.slice(1),
    hidden: [{ kind: "object-to-tape", reason: "this version of Veeam ONE has no such list" }],
  },
  "veeam-one.tapes.servers": [
    { name: "tape-1", backup_server: "vbr-1.example.org", version: "13.0.1.1071", upgrade_required: false },
  ],
};
