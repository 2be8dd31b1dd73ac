// Verifies a receipt (.tlog-proof) under a policy file, with nothing but Node.js 20:
//
//   node verify.mjs policy.txt receipt.tlog-proof [disclosure]
//
// With a disclosure, a private value in a file of its own, also that the receipt shows its digest.
// Prints one JSON object with the fields that the receipt shows. Exit code 1 if anything is off.
// The formats are in docs/formats.md; C2SP's are signed-note, tlog-checkpoint, tlog-cosignature,
// tlog-policy and tlog-proof; the trees are RFC 6962, their proofs as in RFC 9162.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const MAX_FILE = 64 << 10;

function check(condition, what) {
  if (!condition) throw new Error(what);
}

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leafHash = (data) => sha256(Buffer.of(0), data);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

// base64 decodes one text for each value: standard alphabet, padding, no spare bits.
function base64(text) {
  const data = Buffer.from(text, "base64");
  check(data.toString("base64") === text, "base64 is not in its exact form");
  return data;
}

function readText(path) {
  const data = readFileSync(path);
  check(data.length <= MAX_FILE, `${path} is larger than ${MAX_FILE} bytes`);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
}

// --- Keys and signatures -----------------------------------------------------------------

const ED25519 = 1; // the log's own signature
const COSIGNATURE = 4; // a witness's, with its time

// parseKey reads a vkey: name, key ID, and base64 of type and public key.
function parseKey(text, type) {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? [];
  check(name, "key is not name+id+base64");
  const key = base64(encoded);
  check(key.length === 33 && key[0] === type, "key is of another type");
  check(sha256(Buffer.from(name + "\n"), key).subarray(0, 4).toString("hex") === id, "key ID is not that of the key");
  const x = key.subarray(1).toString("base64url");
  return { name, id, x, public: createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }) };
}

const signedBy = (key, message, signature) => signature.length === 64 && verify(null, message, key.public, signature);

// openNote splits a signed note into its text and its signatures.
function openNote(note) {
  const end = note.lastIndexOf("\n\n");
  check(end >= 0 && note.endsWith("\n"), "checkpoint is not a signed note");
  const lines = note.slice(end + 2, -1).split("\n");
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^— ([^\s+]+) (\S+)$/.exec(line) ?? [];
    check(name, "signature line is not in its form");
    const data = base64(encoded);
    check(data.length > 4, "signature is too short");
    return { name, id: data.subarray(0, 4).toString("hex"), data: data.subarray(4) };
  });
  return { text: note.slice(0, end + 1), signatures };
}

// --- Policy ------------------------------------------------------------------------------

function parsePolicy(text) {
  const policy = { witnesses: new Map(), groups: new Map() };
  const defined = (name) => policy.witnesses.has(name) || policy.groups.has(name);
  const keys = new Set();
  const members = new Set();
  for (const line of text.split("\n")) {
    const [keyword, ...rest] = line.split(/[ \t]+/).filter((word) => word !== "");
    if (keyword === undefined || keyword.startsWith("#")) continue;
    const free = () => check(!defined(rest[0]) && !["none", "any", "all"].includes(rest[0]), `policy: ${rest[0]} is taken`);
    switch (keyword) {
      case "log":
        check(!policy.log && (rest.length === 1 || rest.length === 2), "policy: want one log line");
        policy.log = parseKey(rest[0], ED25519);
        break;
      case "witness": {
        check(rest.length === 2 || rest.length === 3, "policy: want witness NAME KEY and at most a URL");
        free();
        const key = parseKey(rest[1], COSIGNATURE);
        check(!keys.has(key.x), "policy: two witnesses have one key");
        keys.add(key.x);
        policy.witnesses.set(rest[0], key);
        break;
      }
      case "group": {
        const [name, threshold, ...names] = rest;
        check(names.length > 0, "policy: want group, a name, a threshold and members");
        free();
        for (const member of names) {
          check(defined(member) && !members.has(member), `policy: ${member} is not defined above, or is in a group already`);
          members.add(member);
        }
        const k = { any: "1", all: String(names.length) }[threshold] ?? threshold;
        check(/^[1-9][0-9]*$/.test(k) && Number(k) <= names.length, "policy: threshold is out of range");
        policy.groups.set(name, { threshold: Number(k), names });
        break;
      }
      case "quorum":
        check(policy.quorum === undefined && rest.length === 1, "policy: want one quorum line");
        check(rest[0] === "none" || defined(rest[0]), "policy: the quorum is not defined above");
        policy.quorum = rest[0];
        break;
      default:
        check(false, `policy: unknown keyword ${keyword}`);
    }
  }
  check(policy.log && policy.quorum !== undefined, "policy: want one log and one quorum line");
  return policy;
}

function satisfied(policy, name, cosigners) {
  if (name === "none") return true;
  const group = policy.groups.get(name);
  if (!group) return cosigners.has(name);
  return group.names.filter((member) => satisfied(policy, member, cosigners)).length >= group.threshold;
}

// openCheckpoint verifies the head of the log: its key's signature, and a quorum of cosignatures.
function openCheckpoint(policy, note) {
  const { text, signatures } = openNote(note);
  const cosigners = new Set();
  let logged = false;
  for (const { name, id, data } of signatures) {
    if (name === policy.log.name && id === policy.log.id) {
      check(!logged && signedBy(policy.log, Buffer.from(text), data), "the log's signature is not valid");
      logged = true;
      continue;
    }
    for (const [witness, key] of policy.witnesses) {
      if (name !== key.name || id !== key.id) continue;
      check(data.length === 72 && !cosigners.has(witness), `cosignature of ${witness} is not in its form`);
      const message = Buffer.from(`cosignature/v1\ntime ${data.readBigUInt64BE()}\n${text}`);
      check(signedBy(key, message, data.subarray(8)), `cosignature of ${witness} is not valid`);
      cosigners.add(witness);
    }
  }
  check(logged, "the head is not signed by the key that the policy names");
  check(satisfied(policy, policy.quorum, cosigners), "the head lacks the quorum of cosignatures that the policy asks for");
  const [, origin, size, root] = /^([^\n]+)\n(0|[1-9][0-9]{0,14})\n([^\n]+)\n(?:platform [a-z][a-z0-9-]{0,15}\n)?$/.exec(text) ?? [];
  check(origin === policy.log.name, "the checkpoint is of another log, or in another form");
  return { size: Number(size), root: base64(root) };
}

// --- Trees -------------------------------------------------------------------------------

// rootOf follows an audit path from leaf number index of size leaves to the root (RFC 9162, 2.1.3.2).
function rootOf(index, size, hash, path) {
  check(index < size, "leaf number is beyond the tree");
  let last = size - 1;
  for (const sibling of path) {
    check(last > 0 && sibling.length === 32, "audit path is too long, or no list of hashes");
    if (index % 2 === 1 || index === last) {
      hash = nodeHash(sibling, hash);
      while (index % 2 === 0 && index > 0) [index, last] = [index / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [index, last] = [Math.floor(index / 2), Math.floor(last / 2)];
  }
  check(last === 0, "audit path is too short");
  return hash;
}

// --- Canonical CBOR ----------------------------------------------------------------------

// decode reads one item and refuses any but its canonical encoding: maps become Maps, byte strings Buffers.
function decode(data) {
  const [value, end] = item(data, 0, 0);
  check(end === data.length, "CBOR: bytes after the item");
  return value;
}

function item(data, at, depth) {
  check(depth <= 16 && at < data.length, "CBOR: cut short or too deep");
  const major = data[at] >> 5;
  const info = data[at] & 31;
  let n = info;
  at += 1;
  if (major === 7) {
    check(info >= 20 && info <= 22, "CBOR: only false, true and null");
    return [[false, true, null][info - 20], at];
  }
  if (info >= 24) {
    const size = 1 << (info - 24);
    check(info <= 27 && at + size <= data.length, "CBOR: cut short");
    n = BigInt("0x" + data.subarray(at, at + size).toString("hex"));
    check(n >= [24n, 1n << 8n, 1n << 16n, 1n << 32n][info - 24], "CBOR: not the shortest form");
    n = n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n;
    at += size;
  }
  if (major === 0) return [n, at];
  if (major === 1) return [typeof n === "bigint" || n === Number.MAX_SAFE_INTEGER ? -1n - BigInt(n) : -1 - n, at];
  check(typeof n === "number" && n <= data.length, "CBOR: cut short");
  if (major === 2 || major === 3) {
    const bytes = data.subarray(at, at + n);
    check(bytes.length === n, "CBOR: cut short");
    return [major === 2 ? bytes : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), at + n];
  }
  check(major === 4 || major === 5, "CBOR: no tags");
  const list = [];
  let last;
  for (let i = 0; i < n; i++) {
    let key;
    if (major === 5) {
      const from = at;
      [key, at] = item(data, at, depth + 1);
      const encoded = data.subarray(from, at);
      check(last === undefined || Buffer.compare(last, encoded) < 0, "CBOR: keys are not in order");
      last = encoded;
    }
    let value;
    [value, at] = item(data, at, depth + 1);
    list.push(major === 5 ? [key, value] : value);
  }
  return [major === 5 ? new Map(list) : list, at];
}

// json prints what decode gave, byte strings in base64.
function json(value) {
  if (value instanceof Map) return `{${[...value].map(([k, v]) => `${JSON.stringify(String(k))}:${json(v)}`).join(",")}}`;
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString("base64"));
  if (Array.isArray(value)) return `[${value.map(json).join(",")}]`;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

// members takes a map of these names apart; optional ones end in "?".
function members(map, ...names) {
  check(map instanceof Map, "a map is missing");
  const wanted = new Set(names.map((name) => name.replace("?", "")));
  for (const key of map.keys()) check(wanted.has(key), `unknown member ${key}`);
  for (const name of names) check(name.endsWith("?") || map.has(name), `member ${name} is missing`);
  return Object.fromEntries(map);
}

const isBytes = (value, length) => Buffer.isBuffer(value) && (length === undefined || value.length === length);

// --- Receipt -----------------------------------------------------------------------------

// commitment is what stands for a field in its view: given where it is hidden, else computed.
function commitment({ hash, path, salt, value }) {
  if (hash !== undefined) {
    check(isBytes(hash, 32) && path === undefined && salt === undefined && value === undefined, "field is neither shown nor hidden");
    return hash;
  }
  check(typeof path === "string" && isBytes(salt, 16) && isBytes(value), "field is neither shown nor hidden");
  const name = Buffer.from(path);
  check(name.length > 0 && name.length < 256, "path is too long");
  return sha256(Buffer.of(2), salt, Buffer.of(name.length), name, value);
}

function verifyReceipt(policy, text) {
  const end = text.indexOf("\n\n");
  check(end >= 0, "not a receipt");
  const [format, extraLine, indexLine, ...hashes] = text.slice(0, end).split("\n");
  check(format === "c2sp.org/tlog-proof@v1" && extraLine?.startsWith("extra "), "not a receipt");
  const [, digits] = /^index (0|[1-9][0-9]{0,14})$/.exec(indexLine ?? "") ?? [];
  check(digits, "receipt has no index");
  const index = Number(digits);
  const checkpoint = openCheckpoint(policy, text.slice(end + 2));
  const extra = members(decode(base64(extraLine.slice(6))), "leaf", "fields", "n", "count", "path");
  check(isBytes(extra.leaf), "receipt has no leaf");
  const root = rootOf(index, checkpoint.size, leafHash(extra.leaf), hashes.map(base64));
  check(root.equals(checkpoint.root), "inclusion in the log does not verify");
  const result = new Map([["ok", true], ["ledger", policy.log.name], ["index", index]]);
  if (extra.fields === null) {
    check(extra.n === 0 && extra.count === 0 && extra.path === null, "a receipt without fields has a place for them");
    return result;
  }
  for (const [key, value] of openView(extra, index)) result.set(key, value);
  return result;
}

// openView checks that the leaf commits to the fields, and reads those that are shown.
function openView(extra, index) {
  const leaf = members(decode(extra.leaf), "v", "t", "seq", "root");
  check(leaf.v === 1 && leaf.t === "e" && isBytes(leaf.root, 32), "leaf is of another version or type");
  const { n, count, path } = extra;
  check(Number.isInteger(n) && Number.isInteger(count) && n >= 0 && n < count && count <= 65536, "view number is out of range");
  check(path === null || (Array.isArray(path) && path.length > 0 && path.every((h) => isBytes(h, 32))), "view path is no list of hashes");
  check(Array.isArray(extra.fields) && extra.fields.length > 0, "fields are no list");
  const fields = extra.fields.map((field) => members(field, "path?", "salt?", "value?", "hash?"));
  const place = Buffer.alloc(8);
  place.writeUInt32BE(n, 0);
  place.writeUInt32BE(count, 4);
  const view = Buffer.concat([place, ...fields.map(commitment)]);
  check(rootOf(n, count, leafHash(view), path ?? []).equals(leaf.root), "the leaf does not commit to these fields");
  const shown = new Map();
  for (const field of fields) {
    if (field.hash !== undefined) continue;
    check(!shown.has(field.path), `field ${field.path} is there twice`);
    shown.set(field.path, decode(field.value));
  }
  const whole = fields[0].path === "entry" && fields.length === 1; // an auditor's
  const header = shown.get(whole ? "entry" : "header");
  check(whole || fields[0].path === "header", "the header is not shown");
  check(header instanceof Map && header.get("index") === index && header.get("sequence") === leaf.seq, "the view speaks of another entry");
  check(whole || header.get("viewer"), "the header names no viewer");
  const hidden = fields.length - shown.size + (shown.has("rest") ? 1 : 0); // the rest is a hash itself
  return new Map([["viewer", whole ? "" : header.get("viewer")], ["fields", shown], ["hidden", hidden]]);
}

// openPrivate reads a disclosure (RFC 9901, 4.2.1) whose digest the receipt shows.
function openPrivate(result, text) {
  const digest = createHash("sha256").update(text).digest("base64url");
  const shown = [...(result.get("fields") ?? [])].filter(([path]) => path.startsWith("private/")).map(([, item]) => item);
  const item = shown.find((item) => item instanceof Map && item.get("digest") === digest);
  check(item, "the receipt does not show the digest of this private value");
  const parts = JSON.parse(Buffer.from(text, "base64url").toString());
  check(Array.isArray(parts) && parts.length === 3 && typeof parts[1] === "string", "disclosure is no list of salt, name and value");
  return new Map([["subject", item.get("subject")], ["name", parts[1]], ["value", JSON.stringify(parts[2])]]);
}

try {
  const [policyPath, receiptPath, disclosurePath] = process.argv.slice(2);
  check(receiptPath, "usage: node verify.mjs POLICY RECEIPT [DISCLOSURE]");
  const result = verifyReceipt(parsePolicy(readText(policyPath)), readText(receiptPath));
  if (disclosurePath) result.set("private", openPrivate(result, readText(disclosurePath).trim()));
  console.log(json(result));
} catch (error) {
  console.log(json(new Map([["ok", false], ["error", error.message]])));
  process.exitCode = 1;
}
