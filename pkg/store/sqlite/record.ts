/** Records as the file format of SQLite has them (https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1). */

export interface Varint {
  readonly value: number;
  /** Where what follows it begins. */
  readonly next: number;
}

/** The integer of one to nine bytes at a place; 0 where the bytes end. */
export function varint(bytes: Buffer, at: number): Varint {
  let value = 0;
  for (let length = 1; length <= 9; length += 1) {
    const byte = bytes[at + length - 1] ?? 0;
    if (length === 9) {
      return { value: value * 256 + byte, next: at + length };
    }
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      return { value, next: at + length };
    }
  }
  throw new Error("a varint has at most nine bytes");
}

export interface Payload {
  readonly bytes: Buffer;
  /** The pages that it goes on at. */
  readonly pages: readonly number[];
}

/** The payload of a cell of an index, with what is on other pages; undefined when it leads outside of the file. */
export function overflowAt(file: Buffer, at: number, size: number, pageBytes: number): Payload | undefined {
  const most = Math.floor(((pageBytes - 12) * 64) / 255) - 23;
  const least = Math.floor(((pageBytes - 12) * 32) / 255) - 23;
  if (size > file.length) {
    return undefined;
  }
  const fitting = least + ((size - least) % (pageBytes - 4));
  const local = size <= most ? size : fitting <= most ? fitting : least;
  const parts = [file.subarray(at, at + local)];
  const pages: number[] = [];
  let left = size - local;
  let pointer = at + local;
  while (left > 0) {
    const page = pointer + 4 <= file.length ? file.readUInt32BE(pointer) : 0;
    if (page < 1 || page * pageBytes > file.length || pages.includes(page)) {
      return undefined;
    }
    pages.push(page);
    pointer = (page - 1) * pageBytes;
    const part = Math.min(left, pageBytes - 4);
    parts.push(file.subarray(pointer + 4, pointer + 4 + part));
    left -= part;
  }
  return { bytes: Buffer.concat(parts), pages };
}

type Column = string | number | Uint8Array | null;

/** The columns of a record; undefined for bytes that are none. */
export function columnsOf(record: Buffer): readonly Column[] | undefined {
  const { value: headerSize, next } = varint(record, 0);
  if (headerSize > record.length) {
    return undefined;
  }
  const columns: Column[] = [];
  let at = next;
  let content = headerSize;
  while (at < headerSize) {
    const type = varint(record, at);
    const size = sizeOf(type.value);
    if (size === undefined || content + size > record.length) {
      return undefined;
    }
    columns.push(columnOf(type.value, record.subarray(content, content + size)));
    content += size;
    at = type.next;
  }
  return content === record.length ? columns : undefined;
}

const integerSizes = [0, 1, 2, 3, 4, 6, 8] as const;

/** Undefined for a type that our tables have no column of. */
function sizeOf(type: number): number | undefined {
  if (type >= 12) {
    return Math.floor((type - 12) / 2);
  }
  return type === 8 || type === 9 ? 0 : integerSizes[type];
}

function columnOf(type: number, bytes: Buffer): Column {
  if (type >= 12) {
    return type % 2 === 1 ? bytes.toString() : bytes;
  }
  if (type === 0) {
    return null;
  }
  if (bytes.length === 0) {
    return type - 8;
  }
  return bytes.length === 8 ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, bytes.length);
}
