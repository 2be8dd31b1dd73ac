package ledger

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestPaddedSize(t *testing.T) {
	for n, want := range map[int]int{
		1: 128, 128: 128, 129: 256, 700: 768, 1024: 1024, 1025: 1152, 4096: 4096, 4097: 4352, 100_000: 100_352, 1 << 20: 1 << 20, 1<<20 + 1: 1<<20 + 1<<15,
	} {
		if got := paddedSize(n); got != want {
			t.Errorf("%d bytes go into the class of %d, want %d", n, got, want)
		}
	}
	classes := map[int]bool{}
	for n := 1; n <= 4<<20; n++ {
		size := paddedSize(n)
		classes[size] = true
		if size < n || paddedSize(size) != size || n > 1024 && (size-n)*100 > n*12+padStep*100 {
			t.Fatalf("%d bytes go into the class of %d", n, size)
		}
	}
	if len(classes) > 300 {
		t.Errorf("%d classes up to 4 MiB: they tell too much", len(classes))
	}
}

func TestPad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(t, "body")
		padded := pad(body)
		back, err := unpad(padded)
		if err != nil || !bytes.Equal(back, body) || len(padded) != paddedSize(len(body)+1) {
			t.Fatalf("%x came back as %x, %v", body, back, err)
		}
		for _, bad := range [][]byte{append(padded, 0), padded[:len(padded)-1], append(padded, make([]byte, padStep)...), nil, make([]byte, padStep)} {
			if _, err := unpad(bad); err == nil {
				t.Fatalf("%x is taken", bad)
			}
		}
	})
}

func FuzzUnpad(f *testing.F) {
	f.Add(pad([]byte("a body")))
	f.Fuzz(func(t *testing.T, padded []byte) {
		if body, err := unpad(padded); err == nil && !bytes.Equal(pad(body), padded) {
			t.Errorf("%x is a second padding of %x", padded, body)
		}
	})
}
