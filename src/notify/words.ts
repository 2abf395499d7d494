/** The words of messages in both languages. A code or a fact that is not here is shown as it is written. */
import type { Language, Text } from "./event.ts";

type Words = Readonly<Record<Language, string>>;

/** What is wrong, by code. */
const CODES: Readonly<Record<string, Words>> = {
  overdue: { en: "overdue", fr: "en retard" },
  missing: { en: "missing", fr: "manquant" },
  failed: { en: "failed", fr: "en échec" },
  hash_mismatch: { en: "checksum differs", fr: "somme de contrôle différente" },
  transfer_integrity_failed: { en: "damaged in transfer", fr: "altéré pendant le transfert" },
  unchanged: { en: "unchanged", fr: "inchangé" },
  too_small: { en: "too small", fr: "trop petit" },
  drift: { en: "unusual", fr: "inhabituel" },
  vanished: { en: "vanished", fr: "disparu" },
  silent_agent: { en: "silent", fr: "muet" },
  unread: { en: "not read", fr: "pas lu" },
  unreadable: { en: "cannot be read", fr: "illisible" },
  refused_report: { en: "report refused", fr: "rapport refusé" },
  capacity: { en: "running out of space", fr: "espace bientôt épuisé" },
  too_long: { en: "running too long", fr: "durée excessive" },
  unreachable: { en: "cannot be reached", fr: "injoignable" },
  warning: { en: "ended with warnings", fr: "terminé avec des avertissements" },
  ok: { en: "ok", fr: "ok" },
  channel_failed: { en: "not delivering", fr: "ne distribue plus" },
  delivery_failed: { en: "message given up", fr: "message abandonné" },
  connector_offline: { en: "connector offline", fr: "connecteur hors ligne" },
  user_blocked: { en: "user suspended", fr: "utilisateur suspendu" },
  settings_changed: { en: "setting changed", fr: "réglage modifié" },
  key_expires: { en: "API key ends soon", fr: "clé d'API bientôt expirée" },
  key_expired: { en: "API key has ended", fr: "clé d'API expirée" },
  tenant_drift: { en: "differs from its files", fr: "différent de ses fichiers" },
  test: { en: "test", fr: "essai" },
};

/** Names of facts. */
const FACTS: Readonly<Record<string, Words>> = {
  agent: { en: "Agent", fr: "Agent" },
  attempts: { en: "Attempts", fr: "Tentatives" },
  calculated_hash: { en: "Calculated hash", fr: "Empreinte calculée" },
  channel: { en: "Channel", fr: "Canal" },
  city: { en: "City", fr: "Ville" },
  company: { en: "Company", fr: "Société" },
  database: { en: "Database", fr: "Base de données" },
  due_at: { en: "Due", fr: "Échéance" },
  entry_id: { en: "Entry", fr: "Entrée" },
  entry_status: { en: "Entry status", fr: "Statut de l'entrée" },
  error: { en: "Error", fr: "Erreur" },
  expected_at: { en: "Expected", fr: "Attendu" },
  expected_hash: { en: "Expected hash", fr: "Empreinte attendue" },
  file: { en: "File", fr: "Fichier" },
  host: { en: "Host", fr: "Hôte" },
  job_id: { en: "Job", fr: "Tâche" },
  job_status: { en: "Job status", fr: "Statut de la tâche" },
  last_good_at: { en: "Last good", fr: "Dernier bon" },
  path: { en: "Path", fr: "Chemin" },
  reason: { en: "Reason", fr: "Raison" },
  schedule: { en: "Schedule", fr: "Planification" },
  server: { en: "Server", fr: "Serveur" },
  site: { en: "Site", fr: "Site" },
  size_bytes: { en: "Size", fr: "Taille" },
};

/** Sentences and labels of the frame around the facts. */
export const FRAME = {
  severity: { en: "Severity", fr: "Gravité" },
  since: { en: "Since", fr: "Depuis" },
  failures: { en: "Times in a row", fr: "Fois de suite" },
  at: { en: "At", fr: "Le" },
  instance: { en: "Reported by", fr: "Signalé par" },
  recovered: { en: "recovered", fr: "rétabli" },
  resolved: { en: "resolved", fr: "clos" },
  by: { en: "By", fr: "Par" },
  was: { en: "Was", fr: "Était" },
  still: { en: "still", fr: "toujours" },
  escalated: { en: "escalated", fr: "escalade" },
  changes: { en: "changes", fr: "changements" },
  digest_daily: { en: "Daily digest", fr: "Bilan quotidien" },
  digest_weekly: { en: "Weekly digest", fr: "Bilan hebdomadaire" },
  open: { en: "Open", fr: "En cours" },
  nothing_open: { en: "Nothing is open", fr: "Rien en cours" },
  mended: { en: "Recovered since the last digest", fr: "Rétablis depuis le dernier bilan" },
  channels: { en: "Channels that do not deliver", fr: "Canaux qui ne distribuent plus" },
  test_title: { en: "Test message", fr: "Message d'essai" },
  test_detail: {
    en: "Nothing is wrong: somebody asked whether messages arrive here",
    fr: "Tout va bien : quelqu'un a demandé si les messages arrivent ici",
  },
} as const satisfies Record<string, Words>;

const SEVERITIES: Readonly<Record<string, Words>> = {
  info: { en: "info", fr: "information" },
  warning: { en: "warning", fr: "avertissement" },
  critical: { en: "critical", fr: "critique" },
};

/** A code in words. */
export function codeWord(code: string, language: Language): string {
  return CODES[code]?.[language] ?? code.replaceAll("_", " ");
}

/** The name of a fact. */
export function factLabel(name: string, language: Language): string {
  const words = name.replaceAll("_", " ");
  return FACTS[name]?.[language] ?? words.slice(0, 1).toUpperCase() + words.slice(1);
}

export function severityWord(severity: string, language: Language): string {
  return SEVERITIES[severity]?.[language] ?? severity;
}

/** A text in one language. */
export function inLanguage(text: Text, language: Language): string {
  return typeof text === "string" ? text : text[language];
}
