/** How many taken places at the front are tolerated before they are given back. */
const slack = 1024;

/** A queue whose front is taken in constant time, however long it is. */
export class Deque<T> {
  #items: (T | undefined)[] = [];
  #front = 0;

  get length(): number {
    return this.#items.length - this.#front;
  }

  get first(): T | undefined {
    return this.#items[this.#front];
  }

  get last(): T | undefined {
    return this.#items.length > this.#front ? this.#items.at(-1) : undefined;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  replaceLast(item: T): void {
    this.#items[this.#items.length - 1] = item;
  }

  shift(): T | undefined {
    const item = this.#items[this.#front];
    if (this.#front === this.#items.length) {
      return undefined;
    }
    this.#items[this.#front] = undefined;
    this.#front += 1;
    if (this.#front === this.#items.length) {
      this.#items = [];
      this.#front = 0;
    } else if (this.#front >= slack && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
    return item;
  }

  /** Takes out the first item that fits, wherever it is. */
  remove(fits: (item: T) => boolean): T | undefined {
    for (let index = this.#front; index < this.#items.length; index++) {
      const item = this.#items[index] as T;
      if (fits(item)) {
        if (index === this.#front) {
          return this.shift();
        }
        this.#items.splice(index, 1);
        return item;
      }
    }
    return undefined;
  }

  /** Those that fit, in order; they stay. */
  filter(fits: (item: T) => boolean): T[] {
    return this.#items.slice(this.#front).filter((item) => fits(item as T)) as T[];
  }

  /** Takes out everything. */
  drain(): T[] {
    const items = this.#items.slice(this.#front) as T[];
    this.#items = [];
    this.#front = 0;
    return items;
  }
}
