package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// slow is the digest as its definition reads, lane by lane.
type slow [lanes]uint16

func (d *slow) change(element []byte, sign uint16) {
	key := sha256.Sum256(element)
	block, _ := aes.NewCipher(key[:])
	wide := make([]byte, 2*lanes)
	cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(wide, wide)
	for i := range d {
		d[i] += sign * binary.LittleEndian.Uint16(wide[2*i:])
	}
}

func (d *slow) same(fast *stateDigest) bool {
	for i, lane := range d {
		if uint16(fast[i/4]>>(16*(i%4))) != lane {
			return false
		}
	}
	return true
}

func TestDigestAddsLaneByLane(t *testing.T) {
	fast, want := &stateDigest{}, &slow{}
	random := rand.New(rand.NewPCG(1, 2))
	var held [][]byte
	for n := range 500 {
		if len(held) > 0 && random.IntN(3) == 0 {
			at := random.IntN(len(held))
			fast.remove(new(stretched).of(held[at]))
			want.change(held[at], 0xffff)
			held = append(held[:at], held[at+1:]...)
		} else {
			element := fmt.Appendf(nil, "element %d", n)
			fast.add(new(stretched).of(element))
			want.change(element, 1)
			held = append(held, element)
		}
		if !want.same(fast) {
			t.Fatalf("step %d: the lanes differ", n)
		}
	}
	halves := [2]*stateDigest{{}, {}}
	for i, element := range held {
		halves[i%2].add(new(stretched).of(element))
	}
	if halves[0].merge(halves[1]); *halves[0] != *fast {
		t.Error("two halves merged are not the whole")
	}
	for _, element := range held {
		fast.remove(new(stretched).of(element))
	}
	if *fast != (stateDigest{}) {
		t.Error("what was added and removed is still there")
	}
}

func BenchmarkDigest(b *testing.B) {
	d, wide, element := &stateDigest{}, &stretched{}, make([]byte, 100)
	for b.Loop() {
		d.add(wide.of(element))
	}
}
