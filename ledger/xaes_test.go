package ledger

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The vectors of the C2SP specification; the second key makes the subkey's carry count.
func TestXAESVectors(t *testing.T) {
	for _, v := range []struct {
		key    byte
		place  string
		sealed string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := newXAES(bytes.Repeat([]byte{v.key}, 32))
		if err != nil {
			t.Fatal(err)
		}
		sealed, _ := hex.DecodeString(v.sealed)
		whole := append([]byte("ABCDEFGHIJKLMNOPQRSTUVWX"), sealed...)
		if body, err := x.open(nil, whole, []byte(v.place)); err != nil || string(body) != "XAES-256-GCM" {
			t.Errorf("key %d: %q, %v", v.key, body, err)
		}
	}
}

// What was sealed opens at its place alone; every changed bit and every cut is found.
func TestXAESRoundTrip(t *testing.T) {
	x, err := newXAES(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	sealed := x.seal([]byte("head"), []byte("body"), []byte("entry 7"))
	again := x.seal([]byte("head"), []byte("body"), []byte("entry 7"))
	if bytes.Equal(sealed, again) || !bytes.HasPrefix(sealed, []byte("head")) {
		t.Error("two nonces are the same, or what was there is gone")
	}
	sealed = sealed[len("head"):]
	if body, err := x.open([]byte("to "), sealed, []byte("entry 7")); err != nil || string(body) != "to body" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := x.open(nil, sealed, []byte("entry 8")); err == nil {
		t.Error("opened at another place")
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := x.open(nil, changed, []byte("entry 7")); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, err := x.open(nil, sealed[:i], []byte("entry 7")); err == nil {
			t.Errorf("opened the first %d bytes", i)
		}
	}
}

// After so many bodies another key is derived, and what each sealed still opens.
func TestXAESDerivesAgain(t *testing.T) {
	x, err := newXAES(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	first := x.seal(nil, []byte("first"), nil)
	x.sealing.Load().used.Store(maxDerived)
	second := x.seal(nil, []byte("second"), nil)
	if bytes.Equal(first[:xaesHalf], second[:xaesHalf]) {
		t.Error("still the same derived key")
	}
	for want, sealed := range map[string][]byte{"first": first, "second": second} {
		if body, err := x.open(nil, sealed, nil); err != nil || string(body) != want {
			t.Errorf("%s: %q, %v", want, body, err)
		}
	}
}

func BenchmarkXAES(b *testing.B) {
	x, err := newXAES(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		b.Fatal(err)
	}
	body, place := make([]byte, 800), []byte("entry 7")
	b.ReportAllocs()
	for b.Loop() {
		x.seal(nil, body, place)
	}
}
