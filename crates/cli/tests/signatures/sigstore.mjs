// SPDX-License-Identifier: Apache-2.0
// Sigstore's bundles, by Sigstore's own packages for Node.
//
//     sigstore.mjs verify LAYOUT KEY    checks each bundle in a layout against the public key in the
//                                       PEM file KEY, and prints the digest that each one signs
// PACKAGES is the folder with the packages.
import { createHash, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.PACKAGES}/`);
const { bundleFromJSON, isBundleWithPublicKey } = require("@sigstore/bundle");
const { Verifier, toSignedEntity } = require("@sigstore/verify");

const TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const [, , , layout, keyFile] = process.argv;

function blob(descriptor) {
  const content = readFileSync(`${layout}/blobs/${descriptor.digest.replace(":", "/")}`);
  const digest = "sha256:" + createHash("sha256").update(content).digest("hex");
  if (digest !== descriptor.digest) throw new Error(`${digest} is not ${descriptor.digest}`);
  return content;
}

const key = {
  publicKey: createPublicKey(readFileSync(keyFile)),
  validFor: () => true,
};
const material = {
  certificateAuthorities: [],
  timestampAuthorities: [],
  tlogs: [],
  ctlogs: [],
  publicKey: () => key,
};
const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });

const index = JSON.parse(readFileSync(`${layout}/index.json`));
for (const entry of index.manifests.filter((entry) => entry.artifactType === TYPE)) {
  const manifest = JSON.parse(blob(entry));
  const [layer] = manifest.layers;
  if (layer.mediaType !== TYPE) throw new Error(layer.mediaType);
  const bundle = bundleFromJSON(JSON.parse(blob(layer)));
  if (!isBundleWithPublicKey(bundle)) throw new Error("no hint of a public key");
  verifier.verify(toSignedEntity(bundle));
  const statement = JSON.parse(bundle.content.dsseEnvelope.payload);
  const [subject] = statement.subject;
  const digest = "sha256:" + subject.digest.sha256;
  if (digest !== manifest.subject.digest) throw new Error(`${digest} is not the subject`);
  console.log(digest, subject.annotations?.["dev.ocre.sequence"] ?? "-");
}
