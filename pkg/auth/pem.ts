import { X509Certificate } from "node:crypto";

/** The certificates of a text in PEM, in their order; what stands between them is left out. Throws for one that is none. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
