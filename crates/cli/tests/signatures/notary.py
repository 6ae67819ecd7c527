# SPDX-License-Identifier: Apache-2.0
"""The Notary Project's COSE signatures, by cbor2 and cryptography alone.

    notary.py verify LAYOUT       checks each signature in a layout, as a verifier that trusts its
                                  certificate does, and prints the digest of each signed manifest
    notary.py sign LAYOUT KEY     signs each manifest of a layout's index with the private key in
                                  the PEM file KEY, as notation does; JSON on standard input changes
                                  parts of the envelope
"""
import datetime
import hashlib
import json
import pathlib
import sys

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TYPE = "application/vnd.cncf.notary.signature"
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
NOTARY = "io.cncf.notary."


class Layout:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.index = json.loads((self.folder / "index.json").read_text())

    def blob(self, descriptor):
        content = (self.folder / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        assert len(content) == descriptor["size"], descriptor
        assert hashlib.sha256(content).hexdigest() == descriptor["digest"].removeprefix("sha256:")
        return content

    def put(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(content)}

    def save(self):
        (self.folder / "index.json").write_text(json.dumps(self.index))


def signed(protected, payload):
    return cbor2.dumps(["Signature1", protected, b"", payload])


def verify(layout):
    for entry in layout.index["manifests"]:
        if entry.get("artifactType") != TYPE:
            continue
        manifest = json.loads(layout.blob(entry))
        assert manifest["artifactType"] == TYPE
        assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
        assert layout.blob(manifest["config"]) == b"{}"
        (layer,) = manifest["layers"]
        assert layer["mediaType"] == "application/cose"
        envelope = cbor2.loads(layout.blob(layer))
        assert envelope.tag == 18
        protected, unprotected, payload, signature = envelope.value
        header = cbor2.loads(protected)
        assert header[1] == -7 and header[3] == PAYLOAD
        assert header[NOTARY + "signingScheme"] == "notary.x509"
        assert NOTARY + "signingScheme" in header[2]
        assert isinstance(header[NOTARY + "signingTime"], datetime.datetime)
        if NOTARY + "expiry" in header:
            assert NOTARY + "expiry" in header[2]
            assert header[NOTARY + "expiry"] > header[NOTARY + "signingTime"]
        chain = unprotected[33]
        assert isinstance(chain, (list, tuple))
        prints = [hashlib.sha256(certificate).hexdigest() for certificate in chain]
        annotation = manifest["annotations"][NOTARY + "x509chain.thumbprint#S256"]
        assert json.loads(annotation) == prints
        certificate = x509.load_der_x509_certificate(chain[0])
        if len(chain) == 1:
            certificate.verify_directly_issued_by(certificate)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        assert ExtendedKeyUsageOID.CODE_SIGNING in purposes.value
        half = len(signature) // 2
        numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        certificate.public_key().verify(
            utils.encode_dss_signature(*numbers),
            signed(protected, payload),
            ec.ECDSA(hashes.SHA256()),
        )
        target = json.loads(payload)["targetArtifact"]
        annotations = target.pop("annotations", {})
        assert target == manifest["subject"], target
        layout.blob(target)
        print(target["digest"], annotations.get("dev.ocre.sequence", "-"))


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime(2026, 1, 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def manifests(layout, entries):
    for entry in entries:
        if "artifactType" in entry:
            continue
        if entry["mediaType"].endswith("index.v1+json"):
            yield from manifests(layout, json.loads(layout.blob(entry))["manifests"])
        else:
            yield {key: entry[key] for key in ("mediaType", "digest", "size")}


def sign(layout, key, change):
    signer = serialization.load_pem_private_key(key.read_bytes(), None)
    for target in list(manifests(layout, layout.index["manifests"])):
        time = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        header = {
            1: -7,
            2: [NOTARY + "signingScheme"],
            3: PAYLOAD,
            NOTARY + "signingScheme": "notary.x509",
            NOTARY + "signingTime": cbor2.CBORTag(1, int(time.timestamp())),
        }
        if expiry := change.get("expiry"):
            header[NOTARY + "expiry"] = cbor2.CBORTag(1, expiry)
            header[2].append(NOTARY + "expiry")
        for name, value in change.get("protected", {}).items():
            label = int(name) if name.lstrip("-").isdigit() else name
            header[label] = value
        artifact = target | change.get("target", {})
        if "sequence" in change:
            artifact["annotations"] = {"dev.ocre.sequence": change["sequence"]}
        payload = json.dumps({"targetArtifact": artifact}).encode()
        protected = cbor2.dumps(header)
        der = signer.sign(signed(protected, payload), ec.ECDSA(hashes.SHA256()))
        numbers = utils.decode_dss_signature(der)
        signature = b"".join(number.to_bytes(32, "big") for number in numbers)
        chain = [certificate(signer)]
        envelope = cbor2.CBORTag(18, [protected, {33: chain}, payload, signature])
        referrer = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": TYPE,
            "config": layout.put("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [layout.put("application/cose", cbor2.dumps(envelope))],
            "subject": target,
        }
        content = json.dumps(referrer).encode()
        entry = layout.put(referrer["mediaType"], content)
        layout.index["manifests"].append(entry | {"artifactType": TYPE})
    layout.save()


if sys.argv[1] == "verify":
    verify(Layout(sys.argv[2]))
else:
    sign(Layout(sys.argv[2]), pathlib.Path(sys.argv[3]), json.loads(sys.stdin.read() or "{}"))
