package ledger

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"
)

func packedBody(raw, before, after []byte) []byte {
	sum := sha256.Sum256(raw[:bytes.LastIndexByte(raw, '.')+1][:max(0, bytes.LastIndexByte(raw, '.'))])
	return append(append(append(bytes.Clone(before), raw...), after...), sum[:]...)
}

// Whatever an entry holds, its bytes come back; a JWS in its strict form takes a quarter less.
func TestEntriesArePackedWithoutLoss(t *testing.T) {
	part := rapid.SliceOfN(rapid.Byte(), 0, 80)
	odd := rapid.StringMatching(`[A-Za-z0-9_.=\n -]{0,60}`)
	rapid.Check(t, func(t *rapid.T) {
		before, after := part.Draw(t, "before"), part.Draw(t, "after")
		raw := []byte(odd.Draw(t, "odd"))
		strict := rapid.Bool().Draw(t, "strict")
		if strict {
			raw = nil
			for i := range 3 {
				if i > 0 {
					raw = append(raw, '.')
				}
				raw = jwsEncoding.AppendEncode(raw, part.Draw(t, "part"))
			}
		}
		body := append(append(bytes.Clone(before), raw...), after...)
		if strict {
			body = packedBody(raw, before, after)
		}
		packed := packEntry(body, raw)
		back, err := unpackEntry(packed)
		if err != nil || !bytes.Equal(back, body) {
			t.Fatalf("packed %x\ngave %x, %v\nwant %x", packed, back, err, body)
		}
	})
	raw := []byte("aaaa.bbbbbbbb.cccccccc")
	if packed := packEntry(packedBody(raw, []byte("x"), nil), raw); packed[0] != packedJWS || len(packed) != 1+2+1+3+1+6+1+6 {
		t.Errorf("a JWS was packed to %x", packed)
	}
}

func FuzzUnpackEntry(f *testing.F) {
	f.Add([]byte{0, 1})
	f.Add([]byte{1, 1, 'x', 1, 2, 1, 3, 1, 4, 5})
	f.Fuzz(func(t *testing.T, packed []byte) {
		if body, err := unpackEntry(packed); err == nil && len(body) > 2*len(packed)+64 {
			t.Errorf("%d bytes gave %d", len(packed), len(body))
		}
	})
}
