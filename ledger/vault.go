package ledger

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// vault seals bodies and makes tags. Safe for concurrent use.
type vault struct {
	origin string
	// held are the body keys. They are replaced whole, so that readers never wait for a rotation.
	held atomic.Pointer[bodyKeys]
	// tags holds HMACs under the index key, ready for the next name.
	tags sync.Pool
	salt *salts
}

// bodyKeys opens bodies of every epoch and seals under the newest one.
type bodyKeys struct {
	epochs  map[uint32]*xaes
	current uint32
}

func newVault(k *Keys) (*vault, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	salt, err := newSalts(k.Salt, k.Origin)
	if err != nil {
		return nil, err
	}
	v := &vault{origin: k.Origin, salt: salt}
	v.tags.New = func() any { return hmac.New(sha256.New, k.Index) }
	v.held.Store(&bodyKeys{epochs: map[uint32]*xaes{}})
	for _, epoch := range k.Epochs {
		if err := v.add(epoch); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// add takes an epoch in, under which everything is sealed from now on. One caller at a time.
func (v *vault) add(epoch Epoch) error {
	key, err := hkdf.Key(sha256.New, epoch.Key, nil, "aval body "+v.origin, 32)
	if err != nil {
		return err
	}
	grown := maps.Clone(v.held.Load().epochs)
	if grown[epoch.Number], err = newXAES(key); err != nil {
		return err
	}
	v.held.Store(&bodyKeys{epochs: grown, current: epoch.Number})
	return nil
}

// epoch is the number of the key that seals.
func (v *vault) epoch() uint32 { return v.held.Load().current }

// seal encrypts a body for its place; the place is authenticated, so that two sealed bodies
// cannot be exchanged, and padded, so that its size tells little. The first four bytes are the key epoch.
func (v *vault) seal(place string, body []byte) []byte {
	held := v.held.Load()
	sealed := binary.BigEndian.AppendUint32(nil, held.current)
	return held.epochs[held.current].seal(sealed, pad(body), []byte(place))
}

func (v *vault) open(place string, sealed []byte) ([]byte, error) {
	return v.openTo(nil, place, sealed)
}

// openTo is open in the room that to has.
func (v *vault) openTo(to []byte, place string, sealed []byte) ([]byte, error) {
	if len(sealed) < 4 {
		return nil, fmt.Errorf("sealed body %s: too short", place)
	}
	key, ok := v.held.Load().epochs[binary.BigEndian.Uint32(sealed)]
	if !ok {
		return nil, fmt.Errorf("sealed body %s: key epoch %d is not held", place, binary.BigEndian.Uint32(sealed))
	}
	padded, err := key.open(to[:0], sealed[4:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("sealed body %s: changed or sealed under another key", place)
	}
	return unpad(padded)
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
func slotPlace(tag []byte) string    { return "slot " + hex.EncodeToString(tag) }
