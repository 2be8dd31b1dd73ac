package recovery_test

import (
	"bytes"
	"testing"

	"aval/ledger/recovery"
)

func FuzzParseSet(f *testing.F) {
	w := newWorld(origin, 1, 2, 3)
	f.Add(w.file)
	f.Add([]byte{0xa0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := recovery.ParseSet(data, w.log); err == nil && !bytes.Equal(data, w.file) {
			t.Errorf("%x is a set that nobody signed: %v", data, s.Name)
		}
	})
}

func FuzzParseSubmission(f *testing.F) {
	w := newWorld(origin, 1, 2, 3)
	c := must(recovery.Collect(w.set))
	genuine := must(must(w.set.Open(w.keys[0])).For(c.Request()))
	f.Add(genuine)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := recovery.ParseSubmission(data)
		if err == nil && !bytes.Equal(data, genuine) && c.Add(s) == nil {
			t.Errorf("%x was taken for a share", data)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	r, _, err := recovery.NewRequest(origin, bytes.Repeat([]byte{7}, recovery.NonceBytes))
	if err != nil {
		f.Fatal(err)
	}
	r.Quote = []byte("a quote")
	f.Add(must(r.Marshal()))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := recovery.ParseRequest(data)
		if err != nil {
			return
		}
		if again, err := r.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("another encoding of the same request: %x", data)
		}
		if _, err := r.Grant(canary); err != nil {
			t.Errorf("taken, and nothing can be sealed to it: %v", err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(must(must(recovery.NewKey()).Format()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := recovery.ParseKey(data); err == nil && recovery.CheckPublic(k.Public()) != nil {
			t.Error("a key to which nothing can be sealed")
		}
	})
}

func FuzzParseCollection(f *testing.F) {
	w := newWorld(origin, 1, 2, 3)
	f.Add(must(must(recovery.Collect(w.set)).Format()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := recovery.ParseCollection(w.set, data); err == nil {
			c.Open()
		}
	})
}
