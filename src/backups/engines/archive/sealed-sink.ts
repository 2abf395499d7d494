/** Encrypting an artifact on its way to the file, in the format of age (age-encryption.org/v1). */
import { Encrypter } from "./age.ts";
import type { Sink, Written } from "./sink.ts";

/** Encrypts what it is given and hands it on, in constant memory. */
export class SealedSink implements Sink {
  /** The key of this one archive; with it the archive is read back, and nothing else is opened. */
  readonly fileKey: Uint8Array;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #ended: Promise<void>;
  readonly #inner: Sink;

  private constructor(
    inner: Sink,
    fileKey: Uint8Array,
    writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
    sealed: ReadableStream<Uint8Array>,
  ) {
    [this.#inner, this.fileKey, this.#writer] = [inner, fileKey, writer];
    this.#ended = drain(sealed, inner);
    // Each write looks at it; a failure while nobody waits must not end the worker.
    this.#ended.catch(() => {});
    writer.closed.catch(() => {});
  }

  /** Errors: those of the library for a recipient that is none. */
  static async open(inner: Sink, recipients: readonly string[]): Promise<SealedSink> {
    const encrypter = new Encrypter();
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    let fileKey = new Uint8Array();
    // The last recipient adds nothing to the archive: it only tells us the key.
    encrypter.addRecipient({
      wrapFileKey(key) {
        fileKey = key.slice();
        return [];
      },
    });
    const plain = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
    const sealed = await encrypter.encrypt(plain.readable);
    return new SealedSink(inner, fileKey, plain.writable.getWriter(), sealed);
  }

  async write(bytes: Uint8Array): Promise<void> {
    // The stream keeps what it is given for a while.
    await this.#unlessFailed(this.#writer.write(bytes.slice()));
  }

  async finish(): Promise<Written> {
    await this.#unlessFailed(this.#writer.close());
    await this.#ended;
    return await this.#inner.finish();
  }

  /** What ended the way behind the stream says more than what the stream says of its end. */
  async #unlessFailed(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      await this.#ended;
      throw error;
    }
  }
}

async function drain(sealed: ReadableStream<Uint8Array>, inner: Sink): Promise<void> {
  for await (const piece of sealed) await inner.write(piece);
}
