/** Names that stand in several places. */

/** Name of the unit. */
export const UNIT = "holdfast.service";
/** Where systemd looks for units of the administrator. */
export const UNIT_DIRECTORY = "/etc/systemd/system";
/** Where systemd keeps the data of the unit (`StateDirectory=`). */
export const STATE_DIRECTORY = "/var/lib/holdfast";
