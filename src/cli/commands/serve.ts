/** `holdfast serve`: the daemon in the foreground. */
import type { LocalCommand } from "./command.ts";

/** `serve`; every setting of the daemon is a flag of it. */
export const serveCommand: LocalCommand = {
  word: "serve",
  add(program, start) {
    program.command("serve")
      .description("Run the daemon in the foreground: scheduler, API and socket")
      .addHelpText(
        "after",
        `
SIGTERM or Ctrl-C ends it cleanly: requests are finished, runs may end within
schedules.shutdown_grace_seconds, then they are cancelled. A second signal cancels them at once.

Examples:
  $ holdfast serve --data-dir /srv/holdfast --api-listen 127.0.0.1:8420
  $ holdfast serve --config /etc/holdfast/config.yaml --log-format text

Every setting can be given as a flag; see: holdfast config show`,
      )
      .action(() =>
        start(async (session) => {
          const { runDaemon } = await import("../../daemon.ts");
          return await runDaemon(await session.loaded(), { onReady: () => {} });
        })
      );
  },
};
