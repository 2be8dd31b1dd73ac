package node

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"aval/ledger"
	"aval/ledger/enclave"
)

// chip is a platform with a counter that can be told to die before it counts.
type chip struct {
	enclave.Platform
	value uint64
	fails bool
}

func (c *chip) NewCounter() (uint32, error) { c.value++; return 7, nil }

func (c *chip) Counter(index uint32) (uint64, error) {
	if index != 7 {
		return 0, enclave.ErrNoCounter
	}
	return c.value, nil
}

func (c *chip) Count(uint32) error {
	if c.fails {
		return errors.New("the machine is off")
	}
	c.value++
	return nil
}

// TestHeadCounter: whatever moment a process dies at, the newest folder is in no doubt and every older one is.
func TestHeadCounter(t *testing.T) {
	keys, err := ledger.NewKeys("aval.example/test", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir, platform := t.TempDir(), &chip{value: 40}
	open := func() *headCounter {
		c, err := newHeadCounter(dir, platform, keys)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	doubts := func(name string, file []byte, leaves uint64, want string) {
		t.Helper()
		c := open()
		if err := os.WriteFile(c.path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if doubt, err := c.doubt(leaves); err != nil || doubt == "" != (want == "") || !strings.Contains(doubt, want) {
			t.Errorf("%s: %q, %v", name, doubt, err)
		}
	}
	content := func() []byte {
		file, err := os.ReadFile(open().path)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	c := open()
	if err := c.begin(2); err != nil {
		t.Fatal(err)
	}
	var files [][]byte
	for leaves := uint64(2); leaves < 8; leaves += 2 {
		files = append(files, content())
		if err := c.count(leaves); err != nil {
			t.Fatal(err)
		}
	}
	newest := content()
	doubts("the newest", newest, 6, "")
	doubts("with a longer log", newest, 9, "")
	doubts("with a shorter log", newest, 5, "ROLLED BACK: the database has 5 leaves, and had 6")
	doubts("changed", append([]byte("x"), newest...), 6, "not signed")
	for _, older := range files {
		doubts("an older one", older, 6, "ROLLED BACK: the TPM has counted to")
	}
	platform.fails = true
	c = open()
	doubts("before a count that is cut short", newest, 6, "")
	if _, err := c.doubt(6); err != nil {
		t.Fatal(err)
	}
	if err := c.count(8); err == nil {
		t.Fatal("counted without a chip")
	}
	ahead := content()
	platform.fails = false
	doubts("after it", ahead, 8, "")
	if _, err := c.doubt(8); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.count(8); err != nil {
			t.Fatal(err)
		}
	}
	doubts("the one of the cut, later", ahead, 8, "ROLLED BACK")
	another, err := ledger.NewKeys("aval.example/test", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = newHeadCounter(dir, platform, another); err != nil {
		t.Fatal(err)
	}
	if doubt, err := c.doubt(8); err != nil || !strings.Contains(doubt, "not signed by this ledger's log key") {
		t.Errorf("of another ledger: %q, %v", doubt, err)
	}
}

func FuzzParseCount(f *testing.F) {
	keys, err := ledger.NewKeys("aval.example/test", rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	c, err := newHeadCounter(f.TempDir(), &chip{}, keys)
	if err != nil {
		f.Fatal(err)
	}
	if err := c.begin(2); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(c.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(counterHeading))
	f.Fuzz(func(t *testing.T, file []byte) {
		if was, err := c.parse(file); err == nil && was != c.last {
			t.Errorf("took %+v", was)
		}
	})
}
