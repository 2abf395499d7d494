/**
 * Where the blocks and frames of a zstd stream end, found without decompressing (RFC 8878, section 3.1).
 *
 * The runtime's streaming decompressor has to be fed block by block. It drops what follows a frame within one write;
 * an error in output that needs a second call (over one chunk) ends the whole worker; and a stream that ends inside a
 * frame passes for a complete one. A block never gives more than 128 KiB, so each fits one call, and a small file that
 * expands hugely fills no memory.
 */
import { damaged } from "./tar-decode.ts";

type Part = "magic" | "skippable" | "descriptor" | "block" | "content" | "last" | "end";

/** Follows a zstd stream piece by piece. */
export class ZstdFrames {
  /** What comes after the `#skip` bytes that do not matter: `#collect` bytes of a number, or nothing. */
  #part: Part = "magic";
  #skip = 0;
  #collect = 4;
  #collected = 0;
  #value = 0;
  #checksum = false;

  /** True when every frame that began has ended. */
  get complete(): boolean {
    return this.#part === "magic" && this.#collected === 0;
  }

  /** Cuts `bytes` behind every block, checksum and frame that ends in it. */
  *split(bytes: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
      } else {
        this.#value += bytes[at++]! * 256 ** this.#collected++;
      }
      let cut = false;
      while (this.#skip === 0 && this.#collected === this.#collect) cut = this.#advance() || cut;
      if (cut && start < at) yield bytes.subarray(start, start = at);
    }
    if (start < bytes.length) yield bytes.subarray(start);
  }

  /** Moves on behind a part; true where the stream may be cut. */
  #advance(): boolean {
    const value = this.#value;
    this.#value = this.#collected = 0;
    switch (this.#part) {
      case "magic":
        if (value >= 0x184D2A50 && value <= 0x184D2A5F) return this.#expect("skippable", 0, 4);
        if (value !== 0xFD2FB528) throw damaged("its compressed data holds something that is not zstd");
        return this.#expect("descriptor", 0, 1);
      case "skippable":
        return this.#expect("end", value, 0);
      case "descriptor": {
        this.#checksum = (value & 4) !== 0;
        const single = (value & 32) !== 0;
        const dictionary = [0, 1, 2, 4][value & 3]!;
        const contentSize = [single ? 1 : 0, 2, 4, 8][value >> 6]!;
        return this.#expect("block", (single ? 0 : 1) + dictionary + contentSize, 3);
      }
      case "block": {
        const kind = value >> 1 & 3;
        if (kind === 3) throw damaged("its compressed data holds an unknown kind of block");
        // A run of one byte is stored as that byte.
        return this.#expect((value & 1) === 1 ? "last" : "content", kind === 1 ? 1 : value >> 3, 0);
      }
      case "content":
        this.#expect("block", 0, 3);
        return true;
      case "last":
        this.#expect("end", this.#checksum ? 4 : 0, 0);
        return true;
      case "end":
        this.#expect("magic", 0, 4);
        return true;
    }
  }

  #expect(part: Part, skip: number, collect: number): false {
    [this.#part, this.#skip, this.#collect] = [part, skip, collect];
    return false;
  }
}
