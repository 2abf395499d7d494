/** Settings of the tenant: one value behind each path; words come and go as plain text, everything else as JSON. */
import type { CallOptions, Connection } from "../connection.ts";
import { NotFoundError, ValidationError } from "../errors.ts";
import {
  SETTING_NAMES,
  type SettingName,
  SETTINGS,
  type SettingSpec,
  type SettingValue,
} from "../schemas/settings.ts";

export class Settings {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The value; undefined where it is unset. */
  get<Name extends SettingName>(
    name: Name,
    options?: CallOptions,
  ): Promise<SettingValue<Name> | undefined>;
  async get(name: SettingName, options: CallOptions = {}): Promise<unknown> {
    const spec: SettingSpec = SETTINGS[name];
    const { since } = spec;
    const call = {
      ...options,
      action: `read setting "${name}"`,
      method: "GET",
      path: pathOf(name),
      since,
    } as const;
    if (spec.wire === "text") return bareWord(await this.#connection.text(call));
    return await this.#connection.json(call, spec.unset ? spec.value.optional() : spec.value);
  }

  /** Sets a value. Errors: `ValidationError` for one that can only be read, or a value of another kind. */
  set<Name extends SettingName>(name: Name, value: SettingValue<Name>, options?: CallOptions): Promise<void>;
  async set(name: SettingName, value: unknown, options: CallOptions = {}): Promise<void> {
    await this.setUnknown(name, value, options);
  }

  /** Sets a value of a kind nobody has looked at yet; it is judged here. */
  async setUnknown(name: SettingName, value: unknown, options: CallOptions = {}): Promise<void> {
    const spec: SettingSpec = SETTINGS[name];
    const action = `set "${name}"`;
    if (spec.readOnly === true) {
      throw new ValidationError(`Cannot ${action}: it can only be read; it is set up in the portal`);
    }
    if (!spec.value.safeParse(value).success) {
      throw new ValidationError(`Cannot ${action}: ${JSON.stringify(value)} is not what it takes`);
    }
    const { since, wire } = spec;
    const call = { ...options, action, method: "PUT", path: pathOf(name), since } as const;
    await this.#connection.done({
      ...call,
      ...(wire === "text" ? { text: String(value) } : { json: value }),
    });
  }

  /** Every setting the tenant's release knows; those it does not know are left out. `onRead` is told how many were asked for. */
  async readAll(
    options: CallOptions = {},
    onRead: (done: number) => void = () => {},
  ): Promise<Partial<Record<SettingName, unknown>>> {
    const values: Partial<Record<SettingName, unknown>> = {};
    for (const [done, name] of SETTING_NAMES.entries()) {
      onRead(done);
      try {
        values[name] = await this.get(name, options);
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    }
    return values;
  }
}

/** A setting of a later release, or of something the tenant has not set up. */
function isAbsent(error: unknown): boolean {
  return error instanceof NotFoundError || error instanceof ValidationError && error.code === "vpn_version";
}

function pathOf(name: SettingName): string {
  return `/settings/${name}`;
}

/** Words come bare, and quoted where the API calls them JSON. */
function bareWord(text: string): string {
  const bare = text.trim();
  return /^".*"$/s.test(bare) ? bare.slice(1, -1) : bare;
}
