import type { X509Certificate } from "node:crypto";

/** One name that a certificate is for besides its subject: `{ kind: "DNS", value: "lab.example" }`. */
export interface AlternativeName {
  /** As Node writes it: DNS, IP Address, URI, email and others. */
  readonly kind: string;
  readonly value: string;
}

/** A name in Node's text, where a value with a comma or a quote in it is written as a string of JSON. */
const alternativeName = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** The alternative names of a certificate, in its order. What cannot be read as names is left out. */
export function alternativeNames({ subjectAltName = "" }: Pick<X509Certificate, "subjectAltName">): AlternativeName[] {
  const names: AlternativeName[] = [];
  alternativeName.lastIndex = 0;
  for (let found = alternativeName.exec(subjectAltName); found !== null; found = alternativeName.exec(subjectAltName)) {
    const [, kind = "", value = ""] = found;
    names.push({ kind, value: value.startsWith('"') ? String(JSON.parse(value)) : value });
  }
  return names;
}

/** The names of a host that a certificate is for, and its addresses. */
export function hostNames(certificate: Pick<X509Certificate, "subjectAltName">): string[] {
  return alternativeNames(certificate)
    .filter(({ kind }) => kind === "DNS" || kind === "IP Address")
    .map(({ value }) => value);
}
