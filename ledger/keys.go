package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"aval/domain/canon"
)

// Keys are the secrets of a ledger. They leave the process only sealed by a platform.
type Keys struct {
	// Origin names the ledger: a schema-less URL, equal to the log key's name.
	Origin string `json:"origin"`
	// LogSigner is the C2SP note signing key of the log.
	LogSigner string `json:"logSigner"`
	// LogVerifier is its public half, the vkey that verifiers are handed.
	LogVerifier string `json:"logVerifier"`
	// Index keys the tags under which things are found, Salt the commitments; both last as long as the ledger.
	Index []byte `json:"index"`
	Salt  []byte `json:"salt"`
	// Epochs are the keys of sealed bodies, oldest first; the last one seals.
	Epochs []Epoch `json:"epochs"`
}

// Epoch is one body key with its number, counted from 1.
type Epoch struct {
	Number uint32 `json:"number"`
	Key    []byte `json:"key"`
}

// NewKeys makes the secrets of a new ledger from the randomness it is given.
func NewKeys(origin string, random io.Reader) (*Keys, error) {
	signer, verifier, err := note.GenerateKey(random, origin)
	if err != nil {
		return nil, fmt.Errorf("make log key: %w", err)
	}
	secret := make([]byte, 3*32)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, err
	}
	return &Keys{
		Origin: origin, LogSigner: signer, LogVerifier: verifier, Index: secret[:32], Salt: secret[32:64],
		Epochs: []Epoch{{Number: 1, Key: secret[64:]}},
	}, nil
}

// Format gives the plaintext of a key file, to be sealed by a platform at once.
func (k *Keys) Format() ([]byte, error) { return canon.Marshal(k) }

// Policy is the tlog-policy under which receipts of this ledger verify: its log key, no witnesses.
func (k *Keys) Policy() []byte { return []byte("log " + k.LogVerifier + "\nquorum none\n") }

// ParseKeys reads what Format gave.
func ParseKeys(data []byte) (*Keys, error) {
	var k Keys
	if err := canon.Unmarshal(data, &k); err != nil {
		return nil, errors.New("read ledger keys: not a key file") // the cause could quote a key
	}
	if err := k.check(); err != nil {
		return nil, err
	}
	return &k, nil
}

// check refuses keys that would seal, tag or sign what nobody could open, find or verify later.
func (k *Keys) check() error {
	signer, err := note.NewSigner(k.LogSigner)
	if err != nil {
		return errors.New("ledger keys: the log key does not parse") // the cause could quote the key
	}
	verifier, err := note.NewVerifier(k.LogVerifier)
	if err != nil || signer.Name() != k.Origin || verifier.Name() != k.Origin || signer.KeyHash() != verifier.KeyHash() {
		return errors.New("ledger keys: the two halves of the log key and the origin do not belong together")
	}
	if len(k.Epochs) == 0 || len(k.Index) != 32 || len(k.Salt) != 32 {
		return errors.New("ledger keys: incomplete")
	}
	last := uint32(0)
	for _, epoch := range k.Epochs {
		if epoch.Number <= last || len(epoch.Key) != 32 {
			return errors.New("ledger keys: want 32 bytes for each epoch, and numbers that increase from 1")
		}
		last = epoch.Number
	}
	return nil
}

// vault seals bodies and makes tags. Safe for concurrent use.
type vault struct {
	bodies  map[uint32]cipher.AEAD
	current uint32
	// tags holds HMACs under the index key, ready for the next name.
	tags sync.Pool
	salt *salts
}

func newVault(k *Keys) (*vault, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	salt, err := newSalts(k.Salt, k.Origin)
	if err != nil {
		return nil, err
	}
	v := &vault{bodies: map[uint32]cipher.AEAD{}, salt: salt}
	v.tags.New = func() any { return hmac.New(sha256.New, k.Index) }
	for _, epoch := range k.Epochs {
		key, err := hkdf.Key(sha256.New, epoch.Key, nil, "aval body "+k.Origin, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if v.bodies[epoch.Number], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		v.current = epoch.Number
	}
	return v, nil
}

// seal encrypts a body for its place; the place is authenticated, so that two sealed bodies
// cannot be exchanged. The first four bytes are the key epoch.
func (v *vault) seal(place string, body []byte) []byte {
	sealed := binary.BigEndian.AppendUint32(nil, v.current)
	return v.bodies[v.current].Seal(sealed, nil, body, []byte(place))
}

func (v *vault) open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) < 4 {
		return nil, fmt.Errorf("sealed body %s: too short", place)
	}
	aead, ok := v.bodies[binary.BigEndian.Uint32(sealed)]
	if !ok {
		return nil, fmt.Errorf("sealed body %s: key epoch %d is not held", place, binary.BigEndian.Uint32(sealed))
	}
	body, err := aead.Open(nil, nil, sealed[4:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("sealed body %s: changed or sealed under another key", place)
	}
	return body, nil
}

// tag is the keyed hash under which a name is filed on disk.
func (v *vault) tag(name string) []byte {
	mac := v.tags.Get().(hash.Hash)
	defer v.tags.Put(mac)
	mac.Reset()
	io.WriteString(mac, name)
	return mac.Sum(nil)[:16:16]
}

// identityTag is the tag of a submission's identity. A command's begins with the time part of
// its ULID, so that what comes together is filed together: random tags alone would touch a
// page of the database each. It tells no more than the batch does.
func (v *vault) identityTag(identity string) []byte {
	const ulid, timePart = 26, 10
	if !strings.HasPrefix(identity, "command ") || len(identity) < ulid {
		return v.tag(identity)
	}
	id := identity[len(identity)-ulid:]
	return append([]byte(id[:timePart]), v.tag(identity)...)
}

// sealEntry and openEntry are seal and open for the canonical bytes of an entry, packed. raw
// is what the entry holds as received.
func (v *vault) sealEntry(index uint64, body, raw []byte) []byte {
	return v.seal(entryPlace(index), packEntry(body, raw))
}

func (v *vault) openEntry(index uint64, sealed []byte) ([]byte, error) {
	packed, err := v.open(entryPlace(index), sealed)
	if err != nil {
		return nil, err
	}
	return unpackEntry(packed)
}

func entryPlace(index uint64) string { return fmt.Sprintf("entry %d", index) }
func slotPlace(tag []byte) string    { return fmt.Sprintf("slot %x", tag) }
