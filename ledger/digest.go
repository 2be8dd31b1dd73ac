package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
)

// lanes is the width of the homomorphic hash: 1,024 numbers of 16 bits, four to a word.
const (
	lanes = 1024
	words = lanes / 4
)

// stateDigest is an incremental hash of a set: LtHash16 (Bellare and Micciancio 1997, with
// the parameters of Lewi, Kim, Maykov and Weis 2019). Adding and removing an element cost the
// same however large the set is, and the order does not matter, so the digest of a state
// follows from that of the state before and the changes. Lane i lies in bits 16(i mod 4) and
// up of word i/4.
type stateDigest [words]uint64

// even are the lanes 0 and 2 of a word: added apart from the others, they cannot carry into them.
const even = 0x0000ffff_0000ffff

func (d *stateDigest) add(wide *stretched) {
	for i := range d {
		d[i] = addLanes(d[i], binary.LittleEndian.Uint64(wide[8*i:]))
	}
}

// merge adds everything that the other digest holds.
func (d *stateDigest) merge(other *stateDigest) {
	for i, w := range other {
		d[i] = addLanes(d[i], w)
	}
}

// addLanes adds each lane of one word to that of the other.
func addLanes(a, b uint64) uint64 {
	return (a&even+b&even)&even | (a&^even+b&^even)&^even
}

func (d *stateDigest) remove(wide *stretched) {
	for i := range d {
		w := binary.LittleEndian.Uint64(wide[8*i:])
		d[i] = ((d[i]|^uint64(even))-w&even)&even | ((d[i]|even)-w&^even)&^even
	}
}

// stretched is an element at the width of the digest. One is used for many elements in turn:
// to make room for each would cost as much as to stretch it.
type stretched [2 * lanes]byte

// of stretches an element: the key stream of AES-256 in counter mode, from counter zero,
// under the element's SHA-256.
func (wide *stretched) of(element []byte) *stretched {
	var counter [aes.BlockSize]byte
	key := sha256.Sum256(element)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	clear(wide[:])
	cipher.NewCTR(block, counter[:]).XORKeyStream(wide[:], wide[:])
	return wide
}

// sum condenses the digest to 32 bytes.
func (d *stateDigest) sum() []byte {
	var wide [2 * lanes]byte
	for i, w := range d {
		binary.LittleEndian.PutUint64(wide[8*i:], w)
	}
	short := sha256.Sum256(wide[:])
	return short[:]
}
