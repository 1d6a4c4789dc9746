const isSoak = process.env.DUTCTL_SOAK === "1";

/** How often, or how long, something is done: by `npm run test:soak` as our list of threats asks for, else for a taste of it. */
export function rounds(taste: number, soak: number): number {
  return isSoak ? soak : taste;
}
