package canon_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"aval/domain/canon"
)

// The Writer gives what Marshal gives, around every change of a head's length.
func TestWriterIsMarshal(t *testing.T) {
	for _, n := range []uint64{0, 1, 23, 24, 255, 256, 65_535, 65_536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64} {
		text := strings.Repeat("é", int(n%70_000))
		value := []any{n, int64(n), -int64(n), text, []byte(text), []byte(nil), true, map[string]int{"a": 1, "bb": 2}}
		var w canon.Writer
		w.Array(8)
		w.Uint(n)
		w.Int(int64(n))
		w.Int(-int64(n))
		w.Text(text)
		w.Bytes([]byte(text))
		w.Bytes(nil)
		w.True()
		w.Map(2)
		w.Name("a")
		w.Int(1)
		from := w.Len()
		w.Name("bb")
		w.Item([]byte{2})
		if got := w.Since(from); string(got) != "\x62bb\x02" {
			t.Errorf("since: %x", got)
		}
		got, err := w.Finish()
		want, wantErr := canon.Marshal(value)
		if err != nil || wantErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%d: got %.80x, %v, want %.80x, %v", n, got, err, want, wantErr)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	var w canon.Writer
	w.Text("\xff")
	if _, err := w.Finish(); err == nil {
		t.Error("text that is not UTF-8 is written")
	}
	w.Reset()
	w.Bytes(make([]byte, canon.MaxBytes))
	if _, err := w.Finish(); err == nil {
		t.Error("more than the limit is written")
	}
	w.Reset()
	w.Grow(10)
	w.Null()
	if got, err := w.Finish(); err != nil || !bytes.Equal(got, []byte{0xf6}) {
		t.Errorf("after a reset: %x, %v", got, err)
	}
}

func TestSplitRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a number": "01", "a list": "80", "null": "f6", "numbers as keys": "a10102", "names out of order": "a2616201616102",
		"a name twice": "a2616101616102", "longer name first": "a262616101616202", "cut short": "a16161", "cut in the name": "a162", "more behind": "a000",
		"float": "a16161f93c00", "bytes for a name": "a1416101", "indefinite": "bf616101ff", "name that is not UTF-8": "a161ff01", "more than the data": "bb7fffffffffffffff",
	} {
		if members, err := canon.Split(nil, unhex(t, text)); !errors.Is(err, canon.ErrNotCanonical) {
			t.Errorf("%s: %v, %v", name, members, err)
		}
	}
	if _, err := canon.Join([]canon.Member{{Name: []byte("b"), Value: []byte{1}}, {Name: []byte("a"), Value: []byte{1}}}); !errors.Is(err, canon.ErrNotCanonical) {
		t.Errorf("members out of order are joined: %v", err)
	}
	if _, err := canon.Join([]canon.Member{{Name: []byte("b"), Value: []byte{1, 2}}}); !errors.Is(err, canon.ErrNotCanonical) {
		t.Errorf("two values are joined: %v", err)
	}
}

// What is split comes back joined, and every canonical map with texts for keys can be split.
func FuzzSplit(f *testing.F) {
	seed(f, observation(), payment(), map[string]int{})
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := canon.Split(nil, data)
		var m map[string]any
		if typed := canon.Unmarshal(data, &m) == nil && m != nil; typed && err != nil {
			t.Fatalf("%x: a map, not split: %v", data, err)
		}
		if err != nil {
			return
		}
		if again, err := canon.Join(members); err != nil || !bytes.Equal(again, data) {
			// a head that is longer than it must be is made short again
			if len(again) >= len(data) {
				t.Fatalf("%x came back as %x, %v", data, again, err)
			}
		}
	})
}
