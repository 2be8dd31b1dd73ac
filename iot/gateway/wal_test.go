package gateway

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func open(t *testing.T, path string) (*wal, recovery) {
	t.Helper()
	w, found, err := openWAL(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	return w, found
}

func contents(t *testing.T, w *wal) []string {
	t.Helper()
	var all []string
	for _, s := range inOrder(w.live) {
		raw, err := w.read(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %c %s", s.device, s.class, raw))
	}
	return all
}

// three makes a file of three messages, of which the second is trimmed, and gives where each record ends.
func three(t *testing.T, path string) (data []byte, ends []int64) {
	t.Helper()
	w, _ := open(t, path)
	for i := range 3 {
		if _, err := w.put('r', "probe-1", fmt.Appendf(nil, "message %d", i)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, w.end)
	}
	if err := w.trim(2); err != nil {
		t.Fatal(err)
	}
	ends = append(ends, w.end)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, ends
}

func TestStoreComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	three(t, path)
	w, found := open(t, path)
	want := []string{"probe-1 r message 0", "probe-1 r message 2"}
	if got := contents(t, w); fmt.Sprint(got) != fmt.Sprint(want) || found != (recovery{}) {
		t.Errorf("got %q, %+v", got, found)
	}
	if s, err := w.put('e', "", []byte("next")); err != nil || s.number != 4 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// Goal: a file cut at any byte keeps every record that was whole.
func TestTornTailAtEveryByte(t *testing.T) {
	data, ends := three(t, filepath.Join(t.TempDir(), "store"))
	for cut := range len(data) + 1 {
		path := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		w, found := open(t, path)
		whole, puts := int64(0), 0
		for i, end := range ends {
			if int64(cut) >= end {
				whole = end
				puts = []int{1, 2, 3, 2}[i]
			}
		}
		if len(w.live) != puts || found.torn != int64(cut)-whole || found.damaged != 0 || w.end != whole {
			t.Fatalf("cut at %d: %d live, %+v, end %d", cut, len(w.live), found, w.end)
		}
		if _, err := w.put('r', "d", []byte("after")); err != nil {
			t.Fatal(err)
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		again, found := open(t, path)
		if len(again.live) != puts+1 || found != (recovery{}) {
			t.Fatalf("cut at %d: after repair %d live, %+v", cut, len(again.live), found)
		}
	}
}

// Goal: a damaged byte costs at most the record that it is in, and a flipped byte is never read as data.
func TestDamageCostsOneRecord(t *testing.T) {
	data, ends := three(t, filepath.Join(t.TempDir(), "store"))
	for at := range data {
		bad := bytes.Clone(data)
		bad[at] ^= 0x40
		path := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		w, found := open(t, path)
		want := map[string]bool{"probe-1 r message 0": int64(at) >= ends[0], "probe-1 r message 2": int64(at) < ends[1] || int64(at) >= ends[2]}
		got := map[string]bool{}
		for _, s := range contents(t, w) {
			got[s] = true
		}
		for message, whole := range want {
			if got[message] != whole {
				t.Errorf("byte %d: %q kept %v, want %v", at, message, got[message], whole)
			}
		}
		if found.damaged+found.torn == 0 {
			t.Errorf("byte %d: damage was not noticed", at)
		}
	}
}

func TestCompactionKeepsWhatIsLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	w, _ := open(t, path)
	big := bytes.Repeat([]byte("x"), 60<<10)
	for i := range 64 {
		if _, err := w.put('r', "probe-1", append(fmt.Appendf(nil, "%d ", i), big...)); err != nil {
			t.Fatal(err)
		}
	}
	before := w.end
	for number := uint64(1); number <= 60; number++ {
		if err := w.trim(number); err != nil {
			t.Fatal(err)
		}
	}
	if w.end > before/4 {
		t.Errorf("file of %d bytes was not rewritten: %d", before, w.end)
	}
	want := contents(t, w)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	// A crash may leave a new file that never took the old one's place.
	if err := os.WriteFile(path+".new", []byte("half a rewrite"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, found := open(t, path)
	if got := contents(t, again); fmt.Sprint(got) != fmt.Sprint(want) || len(got) != 4 || found != (recovery{}) {
		t.Errorf("%d messages after compaction, %+v", len(got), found)
	}
	for number := uint64(61); number <= 64; number++ {
		if err := again.trim(number); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneGatewayPerStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	w, _ := open(t, path)
	if _, _, err := openWAL(path); err == nil {
		t.Error("opened twice")
	}
	if err := w.compact(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openWAL(path); err == nil {
		t.Error("opened twice after a compaction")
	}
}

func TestBrokenStoreTakesNothing(t *testing.T) {
	w, _ := open(t, filepath.Join(t.TempDir(), "store"))
	if err := w.file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.put('r', "d", []byte("x")); err == nil {
		t.Error("put into a closed file")
	}
	if _, err := w.put('r', "d", []byte("x")); err != errBroken {
		t.Errorf("got %v", err)
	}
}

func FuzzOpenStore(f *testing.F) {
	f.Add([]byte("AVG1"))
	f.Add(formatRecord(append([]byte{walPut, 0, 0, 0, 0, 0, 0, 0, 1, 'r', 1, 'd'}, "raw"...)))
	f.Add(formatRecord([]byte{walTrim, 0, 0, 0, 0, 0, 0, 0, 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "store")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		w, _, err := openWAL(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = w.close() }()
		before := contents(t, w)
		if _, err := w.put('r', "d", []byte("after")); err != nil {
			t.Fatal(err)
		}
		if after := contents(t, w); len(after) != len(before)+1 {
			t.Fatalf("%d messages became %d", len(before), len(after))
		}
	})
}
