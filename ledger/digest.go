package ledger

import (
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
)

// lanes is the width of the homomorphic hash: 1,024 numbers of 16 bits.
const lanes = 1024

// stateDigest is an incremental hash of a set: LtHash16 (Bellare and Micciancio 1997, with
// the parameters of Lewi, Kim, Maykov and Weis 2019), each element expanded by SHAKE128.
// Adding and removing an element cost the same however large the set is, and the order does
// not matter, so the digest of a state follows from that of the state before and the changes.
type stateDigest [lanes]uint16

func (d *stateDigest) add(element []byte) {
	wide := sha3.SumSHAKE128(element, 2*lanes)
	for i := range d {
		d[i] += binary.LittleEndian.Uint16(wide[2*i:])
	}
}

func (d *stateDigest) remove(element []byte) {
	wide := sha3.SumSHAKE128(element, 2*lanes)
	for i := range d {
		d[i] -= binary.LittleEndian.Uint16(wide[2*i:])
	}
}

// sum condenses the digest to what a seal leaf carries.
func (d *stateDigest) sum() []byte {
	var wide [2 * lanes]byte
	for i, lane := range d {
		binary.LittleEndian.PutUint16(wide[2*i:], lane)
	}
	short := sha256.Sum256(wide[:])
	return short[:]
}
